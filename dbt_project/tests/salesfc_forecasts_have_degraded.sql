{#- Warns when what was published lately turned out clearly worse than the backtest promised: half
    as much again. Train again, or look for what has changed. -#}
{{ config(severity='warn') }}

with lately as (

    select
        cutoff,
        sum(absolute_error) / nullif(sum(abs(quantity)), 0) as wape,
        sum(n_forecasts) as n_forecasts
    from {{ ref('fct_salesfc__vintage_accuracy') }}
    group by cutoff
    order by cutoff desc
    limit 1

)

select
    lately.cutoff,
    lately.wape,
    accuracy.metric_value as promised
from lately
inner join {{ ref('fct_salesfc__accuracy') }} as accuracy
    on
        accuracy.level = 'all'
        and accuracy.method = 'published'
        and accuracy.metric_name = 'wape'
where lately.wape > 1.5 * accuracy.metric_value
