{#- Every period of every series, from its first to the end of the horizon, as it was read. A period
    without a row is found beside the one before it: to join rows to a table of all periods takes
    more memory than the rows. -#}
{{ config(materialized='view') }}
{%- set sells_nothing = salesfc.setting('gaps') == 'zero' and salesfc.price_column() != '' -%}
{%- set after, before = salesfc.period_add('step.ts', 1), salesfc.period_add('step.next_ts', -1) -%}

with span as (

    select
        unique_id,
        first_ts,
        last_ts,
        {{ salesfc.number_of(['unique_id']) }} as series_number
    from {{ ref('int_salesfc__series_span') }}

),

counted as (

    select
        sales.unique_id,
        span.series_number,
        sales.ts,
        sales.is_unknown,
        sales.units_imputed,
        sales.quantity,
        sales.price,
        sales.revenue
    from {{ ref('int_salesfc__period_quantity') }} as sales
    inner join span
        on sales.unique_id = span.unique_id and sales.ts between span.first_ts and span.last_ts

),

step as (

    select
        series_number,
        ts,
        lead(ts) over (partition by series_number order by ts) as next_ts
    from (
        select
            series_number,
            ts
        from counted
        union all
        select
            series_number,
            {{ salesfc.period_add('first_ts', -1) }} as ts
        from span
        union all
        select
            series_number,
            {{ salesfc.period_add('last_ts', 1) }} as ts
        from span
    ) as border

),

gap as (

    select
        span.unique_id,
        {{ salesfc.periods_between(after, before) }} as ts
    from step
    inner join span on step.series_number = span.series_number
    where step.next_ts > {{ after }}

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
