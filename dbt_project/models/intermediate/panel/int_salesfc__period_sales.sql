{#- What was read, by series and period: sums before any rule. A row counts once however many copies
    of it there are. Rows of a series that has one a period are not summed: see sums.sql. -#}
{{ config(**salesfc.by_month()) }}
{%- set returns, may_repeat = salesfc.setting('returns'), salesfc.drops_duplicates() -%}
{%- set customer = salesfc.setting('customer_column') -%}
{%- set counted = 'quantity >= 0' if returns == 'drop' else 'quantity is not null' -%}
{%- set priced = 'quantity > 0 and price >= 0' -%}
{%- set copied = 'quantity * copies' if may_repeat else 'quantity' -%}
{%- set repeated = 'quantity * (copies - 1)' if may_repeat else 'cast(0 as double)' -%}

{%- set rows_read %}
    select
        sales.unique_id,
        {{ salesfc.period_of('sales.sold_at') }} as ts,
        case when sales.reject_reason is null then sales.quantity end as quantity,
        sales.quantity_is_empty or sales.reject_reason is not null as is_missing,
        sales.price,
        sales.customer,
        sales.copies,
        case when sales.reject_reason is null then sales.copies - 1 else 0 end as copies_dropped
    from {{ ref('stg_salesfc__sales') }} as sales
    cross join {{ ref('int_salesfc__cutoff') }} as cutoff
    cross join {{ ref('int_salesfc__sales_span') }} as span
    where
        sales.unique_id is not null
        and sales.sold_at >= span.first_on
        and sales.sold_at < cutoff.next_ts
{%- endset %}
{%- set changed = salesfc.changed_months({'sales': '(' ~ rows_read ~ ')'}) %}
{%- set sales %}
    select *
    from ({{ rows_read }}) as rows_read
    where {{ salesfc.is_changed('ts', changed) }}
{%- endset %}
{{ salesfc.noted(changed) }}

{#- Customers are counted, which takes groups. -#}
{%- set source = '(' ~ sales ~ ') as sales' %}
{%- set who = 'none' if customer else salesfc.who_is_alone(source, 'unique_id') %}
{%- if who == 'some' %}
with alone as (

    select unique_id
    from ({{ sales }}) as sales
    group by unique_id
    having {{ salesfc.days_differ('ts') }}

)
{%- endif %}
{% for one in salesfc.halves(who) %}
select
    sales.unique_id,
    sales.ts,
    cast({{ salesfc.sum_of('copies' if may_repeat else 1, '', one) }} as bigint) as rows_read,
    cast({{ salesfc.sum_of('copies_dropped' if may_repeat else 0, '', one) }} as bigint)
        as rows_duplicate,
    {{ salesfc.count_of('is_missing', one) }} as rows_missing,
    {{ salesfc.count_of('quantity < 0', one) }} as rows_returned,
    {{ salesfc.count_of(counted, one) }} as rows_counted,
    coalesce({{ salesfc.total_of(copied, '', one) }}, 0.0) as units_read,
    coalesce({{ salesfc.total_of(repeated, '', one) }}, 0.0) as units_duplicate,
    coalesce({{ salesfc.total_of('quantity', 'quantity < 0', one) }}, 0.0) as units_returned,
    coalesce({{ salesfc.total_of('quantity', 'quantity >= 0', one) }}, 0.0) as units_sold,
    {{ salesfc.total_of('quantity * price', counted, one) }} as revenue,
    {{ salesfc.total_of('quantity * price', priced, one) }}
    / nullif({{ salesfc.total_of('quantity', priced, one) }}, 0) as price,
{%- set customers = 'count(distinct customer)' if customer else 'cast(0 as bigint)' %}
    {%- if salesfc.hides_small_groups('sales') %}
    case
        when {{ customers }} >= {{ salesfc.setting('min_customers') }} then {{ customers }}
    end as customers
    {%- else %}
    {{ customers }} as customers
    {%- endif %}
from ({{ sales }}) as sales
{%- if who == 'some' %}
left join alone on sales.unique_id = alone.unique_id
where alone.unique_id is {{ 'not ' if one }}null
{%- endif %}
{{ 'group by sales.unique_id, sales.ts' if not one }}
{{ 'union all' if not loop.last }}
{% endfor -%}
