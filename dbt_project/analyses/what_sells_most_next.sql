-- Which series will sell most over the horizon, and which method forecasts them?
select
    unique_id,
    sum(forecast) as forecast,
    max(method) as method
from {{ ref('fct_salesfc__forecast') }}
group by unique_id
order by forecast desc
