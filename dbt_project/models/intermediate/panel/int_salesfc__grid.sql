{#- Every period of every series, from its first to the end of the horizon, as it was read. A period
    without a row is found beside the one before it: to join rows to a table of all periods takes
    more memory than the rows. -#}
{{ config(materialized='view') }}
{%- set sells_nothing = salesfc.setting('gaps') == 'zero' and salesfc.price_column() != '' -%}
{%- set after, before = salesfc.period_add('ts', 1), salesfc.period_add('next_ts', -1) -%}

with counted as (

    select
        sales.unique_id,
        sales.ts,
        sales.is_unknown,
        sales.units_imputed,
        sales.quantity,
        sales.price,
        sales.revenue
    from {{ ref('int_salesfc__period_quantity') }} as sales
    inner join {{ ref('int_salesfc__series_span') }} as span
        on sales.unique_id = span.unique_id and sales.ts between span.first_ts and span.last_ts

),

step as (

    select
        unique_id,
        ts,
        lead(ts) over (partition by unique_id order by ts) as next_ts
    from (
        select
            unique_id,
            ts
        from counted
        union all
        select
            unique_id,
            {{ salesfc.period_add('first_ts', -1) }} as ts
        from {{ ref('int_salesfc__series_span') }}
        union all
        select
            unique_id,
            {{ salesfc.period_add('last_ts', 1) }} as ts
        from {{ ref('int_salesfc__series_span') }}
    ) as border

),

gap as (

    select
        unique_id,
        {{ salesfc.periods_between(after, before) }} as ts
    from step
    where next_ts > {{ after }}

)

select
    unique_id,
    ts,
    false as is_gap,
    is_unknown,
    units_imputed,
    quantity,
    price,
    revenue
from counted
union all
select
    unique_id,
    ts,
    true as is_gap,
    false as is_unknown,
    0.0 as units_imputed,
    cast(null as double) as quantity,
    cast(null as double) as price,
    {{ '0.0' if sells_nothing else 'cast(null as double)' }} as revenue
from gap
