{#- How each series is scaled, and scaled back: statistics of the quantities that count, up to the
    cutoff only. The network takes the same ones up to each window, in
    salesfc_plugin/normalisation.py; the two must agree at the cutoff. They are taken in the order of time: a sum in the order of threads differs in its
    last digit from build to build. -#}
with listed as (

    select
        unique_id,
        count(*) as n_periods,
        list(quantity order by ts) as quantities,
        list(abs(quantity) order by ts) as sizes,
        list(ln(1.0 + quantity) order by ts) as logarithms
    from {{ ref('int_salesfc__observations') }}
    where mask
    group by unique_id

)

select
    unique_id,
    n_periods,
    list_avg(quantities) as mean,
    coalesce(list_stddev_samp(quantities), 0.0) as deviation,
    list_avg(sizes) as mean_absolute,
    list_avg(logarithms) as mean_log1p,
    coalesce(list_stddev_samp(logarithms), 0.0) as deviation_log1p
from listed
