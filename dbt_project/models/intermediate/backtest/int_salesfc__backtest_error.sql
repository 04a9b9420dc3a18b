{#- Sums of each kind of error, one row a series, cutoff and method: what every metric at every
    level is made of. -#}
with error as (

    select
        unique_id,
        cutoff,
        method,
        quantity,
        forecast,
        quantity between lower_bound and upper_bound as is_covered,
        {{ salesfc.quantile_loss('quantity', 'levels', 'quantiles') }} as quantile_loss
    from {{ ref('fct_salesfc__backtest') }}
    where quantity is not null

)

select
    error.unique_id,
    error.cutoff,
    error.method,
    count(*) as n,
    sum(error.quantity) as quantity,
    sum(abs(error.quantity)) as absolute_quantity,
    sum(error.forecast - error.quantity) as error,
    sum(abs(error.forecast - error.quantity)) as absolute_error,
    sum(power(error.forecast - error.quantity, 2)) as squared_error,
    sum(coalesce(
        2 * abs(error.forecast - error.quantity)
        / nullif(abs(error.forecast) + abs(error.quantity), 0), 0
    )) as symmetric_error,
    sum(error.quantile_loss) as quantile_loss,
    count(*) filter (where error.is_covered) as n_covered,
    scale.absolute_scale,
    scale.squared_scale
from error
left join {{ ref('int_salesfc__backtest_scale') }} as scale
    on error.unique_id = scale.unique_id and error.cutoff = scale.cutoff
group by error.unique_id, error.cutoff, error.method, scale.absolute_scale, scale.squared_scale
