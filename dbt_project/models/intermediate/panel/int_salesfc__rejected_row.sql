{#- What could not be read, table by table. Of values after the cutoff nothing is said, so that they
    change no table. -#}
{%- set given, keys = salesfc.setting('cutoff'), salesfc.setting('series_keys') -%}
{%- set columns = {} -%}
{%- for key in keys -%}{%- do columns.update({key: 'sales.key_' ~ loop.index}) -%}{%- endfor -%}
{%- do columns.update({salesfc.setting('time_column'): 'sales.time_text'}) -%}
{%- do columns.update({salesfc.setting('quantity_column'): 'sales.quantity_text'}) -%}

with sales as (

    select
        sales.*,
        coalesce(
            sales.reject_reason,
            case
                when cast(sales.sold_at as date) < span.first_on
                    {{- ' or cast(sales.sold_at as date) > span.last_on' if not given }}
                    then 'the time is far from that of all other sales'
            end
        ) as reason,
        sales.sold_at < cutoff.next_ts or sales.sold_at is null
        {{- ' or cast(sales.sold_at as date) > span.last_on' if not given }} as is_looked_at
    from {{ ref('stg_salesfc__sales') }} as sales
    cross join {{ ref('int_salesfc__cutoff') }} as cutoff
    cross join {{ ref('int_salesfc__sales_span') }} as span

)

select
    'sales' as input,
    {{ salesfc.literal(salesfc.setting('sales_identifier')) }} as source_table,
    sales.unique_id,
    cast(sales.sold_at as date) as sold_on,
    sales.copies as row_count,
    sales.reason,
    {{ salesfc.as_json(columns) }} as source_row
from sales
where sales.reason is not null and sales.is_looked_at
{%- for table in ['covariates', 'behaviour', 'stock'] if salesfc.setting(table ~ '_identifier') %}

union all

select
    '{{ table }}' as input,
    {{ salesfc.literal(salesfc.setting(table ~ '_identifier')) }} as source_table,
    {{ salesfc.joined_keys(table) }} as unique_id,
    cast(staged.seen_at as date) as sold_on,
    1 as row_count,
    staged.reject_reason as reason,
    {{ salesfc.as_json(salesfc.rejected_columns(table)) }} as source_row
from {{ ref('stg_salesfc__' ~ table) }} as staged
cross join {{ ref('int_salesfc__cutoff') }} as cutoff
where
    staged.reject_reason is not null
    and (
        staged.seen_at is null
        or {{ salesfc.period_of('staged.seen_at') }}
        <= cutoff.{{ 'last_ts' if table == 'covariates' else 'cutoff' }}
    )
{%- endfor %}
