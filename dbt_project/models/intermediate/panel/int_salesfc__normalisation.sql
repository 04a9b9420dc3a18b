{#- How each series is scaled, and scaled back: statistics of the quantities that count, up to the
    cutoff only. The network takes the same ones up to each window, in
    salesfc_plugin/normalisation.py; the two must agree at the cutoff. They are taken in the order of time: a sum in the order of threads differs in its
    last digit from build to build. -#}
with listed as (

    select
        unique_id,
        count(*) as n_periods,
        {{ salesfc.listed('quantity', 'ts') }} as quantities,
        {{ salesfc.listed('abs(quantity)', 'ts') }} as sizes,
        {{ salesfc.listed('ln(1.0 + quantity)', 'ts') }} as logarithms
    from {{ ref('int_salesfc__observations') }}
    where mask
    group by unique_id

)

select
    unique_id,
    n_periods,
    {{ salesfc.list_mean('quantities') }} as mean,
    coalesce({{ salesfc.list_deviation('quantities') }}, 0.0) as deviation,
    {{ salesfc.list_mean('sizes') }} as mean_absolute,
    {{ salesfc.list_mean('logarithms') }} as mean_log1p,
    coalesce({{ salesfc.list_deviation('logarithms') }}, 0.0) as deviation_log1p
from listed
