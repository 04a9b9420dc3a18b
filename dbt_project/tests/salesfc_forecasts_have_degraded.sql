{#- Warns when what was published lately turned out clearly worse than this build's backtest shows
    of the windows that were over by then: half as much again. Where there are none (the backtest has one
    window, say) all are asked, of which some may be of the days that went wrong. Train again, or look
    for what has changed. -#}
{{ config(severity='warn') }}
{%- set end = salesfc.period_add('error.cutoff', salesfc.setting('horizon')) -%}

with lately as (

    select
        cutoff,
        sum(absolute_error) / nullif(sum(abs(quantity)), 0) as wape,
        sum(n_forecasts) as n_forecasts
    from {{ ref('fct_salesfc__vintage_accuracy') }}
    group by cutoff
    order by cutoff desc
    limit 1

),

window_error as (

    select
        lately.cutoff,
        lately.wape,
        error.absolute_error,
        error.absolute_quantity,
        {{ end }} <= lately.cutoff as was_over
    from lately
    cross join {{ ref('int_salesfc__backtest_error') }} as error
    where error.method = 'published'

),

promise as (

    select
        cutoff,
        wape,
        sum(absolute_error) / nullif(sum(absolute_quantity), 0) as promised,
        sum(case when was_over then absolute_error end)
        / nullif(sum(case when was_over then absolute_quantity end), 0) as promised_then
    from window_error
    group by cutoff, wape

)

select
    cutoff,
    wape,
    coalesce(promised_then, promised) as promised
from promise
where wape > 1.5 * coalesce(promised_then, promised)
