{#- Demand of each group in each week to come, beside the same days a year ago. A week may have
    fewer days than seven at either end of the horizon: both years count the same days. What began
    within those days a year ago has no last year. -#}
{%- set frequency = salesfc.setting('frequency') -%}
{%- set week = 'date_trunc(\'week\', forecast.ts)' if frequency != 'month' else 'forecast.ts' -%}
{%- set year_ago = 'forecast.ts - 364' %}
{%- if frequency == 'month' -%}
{%- set year_ago = salesfc.period_add('forecast.ts', -12) -%}
{%- endif %}

with grouped as (

    select
        member.level,
        member.group_id,
        cast({{ week }} as date) as week,
        count(distinct forecast.ts) as periods,
        {{ salesfc.steady('sum(forecast.forecast)') }} as forecast,
        case
            when min({{ year_ago }}) >= min(series.first_ts)
                then {{ salesfc.steady('sum(past.quantity)') }}
        end as last_year
    from {{ ref('fct_salesfc__forecast') }} as forecast
    inner join {{ ref('int_salesfc__group_member') }} as member
        on forecast.unique_id = member.unique_id
    inner join {{ ref('int_salesfc__series') }} as series
        on forecast.unique_id = series.unique_id
    left join {{ ref('int_salesfc__period_quantity') }} as past
        on forecast.unique_id = past.unique_id and past.ts = {{ year_ago }}
    group by member.level, member.group_id, cast({{ week }} as date)

)

select
    grouped.level,
    grouped.group_id,
    grouped.week,
    cast(grouped.periods as integer) as periods,
    grouped.forecast,
    least(band.lower_bound, grouped.forecast) as lower_bound,
    greatest(band.upper_bound, grouped.forecast) as upper_bound,
    grouped.last_year,
    grouped.forecast / nullif(grouped.last_year, 0) - 1 as growth,
    grouped.forecast
    {%- set whole = 'sum(grouped.forecast) over (partition by grouped.level, grouped.week)' %}
    / nullif({{ salesfc.steady(whole) }}, 0)
        as share
from grouped
left join {{ ref('int_salesfc__total_interval') }} as band
    on
        grouped.level = band.level
        and grouped.group_id = band.group_id
        and grouped.week = band.ts
        and band.grain = 'week'
