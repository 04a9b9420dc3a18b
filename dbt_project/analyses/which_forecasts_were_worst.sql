-- Which series did the published forecasts miss by most units on the periods that were held out?
select
    unique_id,
    sum(abs(quantity - median)) as units_missed,
    sum(quantity) as units_sold,
    sum(forecast) - sum(quantity) as bias_units
from {{ ref('fct_salesfc__backtest') }}
where method = 'published' and quantity is not null
group by unique_id
order by units_missed desc
