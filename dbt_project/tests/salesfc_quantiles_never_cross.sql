{#- A higher quantile of the same period is never a smaller forecast. -#}
with neighbours as (

    select
        *,
        lag(forecast) over (partition by unique_id, ts order by quantile) as lower_forecast
    from {{ ref('fct_salesfc__forecast_quantile') }}

)

select
    unique_id,
    ts,
    quantile,
    forecast,
    lower_forecast
from neighbours
where forecast < lower_forecast
