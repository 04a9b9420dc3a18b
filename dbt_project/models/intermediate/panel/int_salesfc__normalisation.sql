{#- How each series is scaled, and scaled back: statistics of the quantities that count, up to the
    cutoff only. The network takes the same ones up to each window, in
    salesfc_plugin/normalisation.py; the two agree at the cutoff, but for quantities that it cuts as
    giants. -#}
with listed as (

    select
        unique_id,
        quantities,
        {{ salesfc.list_map('quantities', 'abs(item)') }} as sizes,
        {{ salesfc.list_map('quantities', 'ln(1.0 + item)') }} as logarithms
    from {{ ref('int_salesfc__quantity_list') }}

)

select
    unique_id,
    {{ salesfc.list_length('quantities') }} as n_periods,
    {{ salesfc.list_mean('quantities') }} as mean,
    coalesce({{ salesfc.list_deviation('quantities') }}, 0.0) as deviation,
    {{ salesfc.list_mean('sizes') }} as mean_absolute,
    {{ salesfc.list_mean('logarithms') }} as mean_log1p,
    coalesce({{ salesfc.list_deviation('logarithms') }}, 0.0) as deviation_log1p
from listed
