{#- What was read, by series and period: sums before any rule. A row counts once however many copies
    of it there are. -#}
{%- set returns, may_repeat = salesfc.setting('returns'), salesfc.drops_duplicates() -%}

with sales as (

    select
        sales.unique_id,
        {{ salesfc.period_of('sales.sold_at') }} as ts,
        case when sales.reject_reason is null then sales.quantity end as quantity,
        sales.quantity_is_empty or sales.reject_reason is not null as is_missing,
        sales.price,
        sales.customer,
        sales.copies
    from {{ ref('stg_salesfc__sales') }} as sales
    cross join {{ ref('int_salesfc__cutoff') }} as cutoff
    cross join {{ ref('int_salesfc__sales_span') }} as span
    where
        sales.unique_id is not null
        and sales.sold_at >= span.first_on
        and sales.sold_at < cutoff.next_ts

)

select
    unique_id,
    ts,
    {{ 'cast(sum(copies) as bigint)' if may_repeat else 'count(*)' }} as rows_read,
    cast({{ 'sum(copies - 1)' if may_repeat else 0 }} as bigint) as rows_duplicate,
    count(*) filter (where is_missing) as rows_missing,
    count(*) filter (where quantity < 0) as rows_returned,
    count(quantity){{ ' filter (where quantity >= 0)' if returns == 'drop' }} as rows_counted,
    coalesce(sum(quantity{{ ' * copies' if may_repeat }}), 0.0) as units_read,
    {{ 'coalesce(sum(quantity * (copies - 1)), 0.0)' if may_repeat else 'cast(0 as double)' }}
        as units_duplicate,
    coalesce(sum(quantity) filter (where quantity < 0), 0.0) as units_returned,
    coalesce(sum(quantity) filter (where quantity >= 0), 0.0) as units_sold,
    sum(quantity * price){{ ' filter (where quantity >= 0)' if returns == 'drop' }} as revenue,
    sum(quantity * price) filter (where quantity > 0 and price >= 0)
    / nullif(sum(quantity) filter (where quantity > 0 and price >= 0), 0) as price,
    {%- if salesfc.hides_small_groups('sales') %}
    case
        when count(distinct customer) >= {{ salesfc.setting('min_customers') }}
            then count(distinct customer)
    end as customers
    {%- elif salesfc.setting('customer_column') %}
    count(distinct customer) as customers
    {%- else %}
    cast(0 as bigint) as customers
    {%- endif %}
from sales
group by unique_id, ts
