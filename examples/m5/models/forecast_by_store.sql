-- Expected units and money of each store and category on each of the next 28 days.
select
    series.store_id,
    series.cat_id,
    forecast.ts,
    sum(forecast.forecast) as units,
    sum(forecast.forecast * known.sell_price) as revenue
from {{ ref('fct_salesfc__forecast') }} as forecast
inner join {{ ref('dim_salesfc__series') }} as series on forecast.unique_id = series.unique_id
left join {{ source('salesfc', 'covariates') }} as known
    on
        series.item_id = known.item_id
        and series.store_id = known.store_id
        and forecast.ts = known.date
group by series.store_id, series.cat_id, forecast.ts
