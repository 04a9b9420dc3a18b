-- The forecast of 13 June beside what was sold in the 48 days after it: nothing of that was read by the forecast.
select
    forecast.unique_id as store,
    forecast.ts,
    forecast.forecast,
    forecast.lower_bound,
    forecast.upper_bound,
    coalesce(sales."Sales", 0) as sold
from {{ ref('fct_salesfc__forecast') }} as forecast
left join {{ source('salesfc', 'sales') }} as sales
    on
        forecast.unique_id = cast(sales."Store" as varchar)
        and forecast.ts = sales."Date"
