{#- Totals over the hierarchy: sums of the series' forecasts, which were made to agree with those of
    the groups before, so that every level adds up. Their intervals are those of sums along sample paths. -#}
{{ config(tags=['salesfc_predict']) }}

with grouped as (

    select
        member.level,
        member.group_id,
        forecast.ts,
        max(forecast.cutoff) as cutoff,
        {{ salesfc.steady('sum(forecast.forecast)') }} as forecast,
        count(*) as n_series
    from {{ ref('int_salesfc__group_member') }} as member
    inner join {{ ref('fct_salesfc__forecast') }} as forecast
        on member.unique_id = forecast.unique_id
    group by member.level, member.group_id, forecast.ts

)

select
    grouped.level,
    grouped.group_id,
    grouped.ts,
    grouped.cutoff,
    grouped.forecast,
    bounds.median,
    bounds.lower_bound,
    bounds.upper_bound,
    grouped.n_series
from grouped
left join {{ ref('int_salesfc__total_interval') }} as bounds
    on
        grouped.level = bounds.level
        and grouped.group_id = bounds.group_id
        and grouped.ts = bounds.ts
        and bounds.grain = 'period'

union all

select
    'series' as level,
    unique_id as group_id,
    ts,
    cutoff,
    forecast,
    median,
    lower_bound,
    upper_bound,
    cast(1 as bigint) as n_series
from {{ ref('fct_salesfc__forecast') }}
