{#- Warns when the sales that came since the last vintage lie aside of what it said: a fifth more or
    less in all, or outside its intervals far too often. -#}
{{ config(severity='warn') }}

with lately as (

    select
        cutoff,
        sum(quantity) as quantity,
        sum(forecast) as forecast,
        sum(coverage * n_forecasts) / sum(n_forecasts) as coverage,
        max(confidence_level) as confidence_level
    from {{ ref('fct_salesfc__vintage_accuracy') }}
    group by cutoff
    order by cutoff desc
    limit 1

)

select *
from lately
where
    abs(forecast - quantity) > 0.2 * abs(quantity)
    or coverage < confidence_level - 0.15
