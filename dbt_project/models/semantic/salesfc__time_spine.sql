{#- The days that MetricFlow joins metrics to; there only if salesfc_semantic_models is true. -#}
with bound as (

    select max(cutoff) as cutoff
    from {{ ref('fct_salesfc__forecast') }}

)

select cast(unnest(generate_series(
    cutoff - interval 10 year, cutoff + interval 2 year, interval 1 day
)) as date) as day
from bound
