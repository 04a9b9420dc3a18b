{#- How much a series moves by itself before each backtest cutoff: mean absolute and squared
    differences of quantities that count, the divisors of scaled errors (Hyndman and Koehler, Int.
    J. Forecast. 22, 2006; M5: lag 1 for the squared). -#}
{%- set lag = {'day': 7, 'week': 1, 'month': 12}[salesfc.setting('frequency')] -%}

with counted as (

    select
        unique_id,
        ts,
        case when mask then quantity end as quantity
    from {{ ref('int_salesfc__observations') }}
    where
        ts <= (
            select max(prediction.cutoff)
            from {{ ref('int_salesfc__backtest_prediction') }} as prediction
        )

),

moved as (

    select
        unique_id,
        ts,
        quantity - lag(quantity, {{ lag }}) over past as season_step,
        quantity - lag(quantity, 1) over past as step
    from counted
    window past as (partition by unique_id order by ts)

),

cutoffs as (

    select distinct cast(cutoff as date) as cutoff
    from {{ ref('int_salesfc__backtest_prediction') }}

)

select
    moved.unique_id,
    cutoffs.cutoff,
    nullif(avg(abs(moved.season_step)), 0) as absolute_scale,
    nullif(avg(power(moved.step, 2)), 0) as squared_scale
from moved
inner join cutoffs on moved.ts <= cutoffs.cutoff
group by moved.unique_id, cutoffs.cutoff
