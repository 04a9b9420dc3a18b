{#- The days that MetricFlow joins metrics to; there only if salesfc_semantic_models is true. -#}
with bound as (

    select max(cutoff) as cutoff
    from {{ ref('fct_salesfc__forecast') }}

)

select {{ salesfc.periods_between('cutoff - 3653', 'cutoff + 731', 'day') }} as day
from bound
