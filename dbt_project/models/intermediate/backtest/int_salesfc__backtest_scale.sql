{#- How much a series moves by itself before each backtest cutoff: mean absolute and squared
    differences of quantities that count, the divisors of scaled errors (Hyndman and Koehler, Int.
    J. Forecast. 22, 2006; M5: lag 1 for the squared). Each period is summed once, with the first
    cutoff after it, and sums are added up over cutoffs. -#}
{%- set lag = {'day': 7, 'week': 1, 'month': 12}[salesfc.setting('frequency')] -%}

with cutoffs as (

    select
        cutoff,
        lag(cutoff) over (order by cutoff) as cutoff_before
    from (
        select distinct cast(cutoff as date) as cutoff
        from {{ ref('int_salesfc__backtest_prediction') }}
    ) as backtest_cutoff

),

series as (

    select
        unique_id,
        {{ salesfc.number_of(['unique_id']) }} as series_number
    from {{ ref('int_salesfc__series_key') }}

),

counted as (

    select
        series.series_number,
        observations.ts,
        case when observations.mask then observations.quantity end as quantity
    from {{ ref('int_salesfc__observations') }} as observations
    inner join series on observations.unique_id = series.unique_id
    where observations.ts <= (select max(cutoffs.cutoff) from cutoffs)

),

moved as (

    select
        series_number,
        ts,
        quantity - lag(quantity, {{ lag }}) over past as season_step,
        quantity - lag(quantity, 1) over past as step
    from counted
    window past as (partition by series_number order by ts)

),

stretch as (

    select
        moved.series_number,
        cutoffs.cutoff,
        count(moved.season_step) as n_season_steps,
        {{ salesfc.steady('sum(abs(moved.season_step))') }} as season_steps,
        count(moved.step) as n_steps,
        {{ salesfc.steady('sum(power(moved.step, 2))') }} as steps
    from moved
    inner join cutoffs
        on
            moved.ts <= cutoffs.cutoff
            and (moved.ts > cutoffs.cutoff_before or cutoffs.cutoff_before is null)
    group by moved.series_number, cutoffs.cutoff

),

so_far as (

    select
        series_number,
        cutoff,
        sum(season_steps) over stretches / nullif(sum(n_season_steps) over stretches, 0)
            as absolute_scale,
        sum(steps) over stretches / nullif(sum(n_steps) over stretches, 0) as squared_scale
    from stretch
    window stretches as (partition by series_number order by cutoff)

)

select
    series.unique_id,
    so_far.cutoff,
    nullif(so_far.absolute_scale, 0) as absolute_scale,
    nullif(so_far.squared_scale, 0) as squared_scale
from so_far
inner join series on so_far.series_number = series.series_number
