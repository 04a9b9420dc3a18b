{#- WRMSSE (Makridakis, Spiliotis and Assimakopoulos, Int. J. Forecast. 38, 2022): at each level
    the rmsse of its groups weighted by what they were worth, then the mean over all levels; the
    series are a level, too. -#}
with error as (

    select
        level,
        group_id,
        cutoff,
        method,
        n,
        squared_error,
        squared_scale
    from {{ ref('int_salesfc__backtest_total_error') }}

    union all

    select
        'series' as level,
        unique_id as group_id,
        cutoff,
        method,
        sum(n) as n,
        sum(squared_error) as squared_error,
        squared_scale
    from {{ ref('int_salesfc__backtest_error') }}
    group by unique_id, cutoff, method, squared_scale

),

weighted as (

    select
        error.level,
        error.cutoff,
        error.method,
        cast(sum(error.n) as bigint) as n_forecasts,
        sum(weight.weight * sqrt(error.squared_error / error.n / error.squared_scale))
        / nullif(sum(weight.weight), 0) as wrmsse
    from error
    inner join {{ ref('int_salesfc__backtest_weight') }} as weight
        on
            error.level = weight.level
            and error.group_id = weight.group_id
            and error.cutoff = weight.cutoff
    where error.squared_scale is not null
    group by error.level, error.cutoff, error.method

),

levelled as (

    select *
    from weighted
    where wrmsse is not null

)

select
    'hierarchy' as level,
    level as group_id,
    method,
    'wrmsse' as metric_name,
    avg(wrmsse) as metric_value,
    cast(sum(n_forecasts) as bigint) as n_forecasts
from levelled
group by level, method

union all

select
    'hierarchy' as level,
    'all levels' as group_id,
    method,
    'wrmsse' as metric_name,
    avg(wrmsse) as metric_value,
    cast(sum(n_forecasts) as bigint) as n_forecasts
from levelled
group by method
