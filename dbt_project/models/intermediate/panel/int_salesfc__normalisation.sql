{#- How each series is scaled, and scaled back: statistics of the quantities that count, up to the
    cutoff only. -#}
select
    unique_id,
    count(*) as n_periods,
    avg(quantity) as mean,
    coalesce(stddev_samp(quantity), 0.0) as deviation,
    avg(abs(quantity)) as mean_absolute,
    avg(ln(1.0 + quantity)) as mean_log1p,
    coalesce(stddev_samp(ln(1.0 + quantity)), 0.0) as deviation_log1p
from {{ ref('int_salesfc__observations') }}
where mask
group by unique_id
