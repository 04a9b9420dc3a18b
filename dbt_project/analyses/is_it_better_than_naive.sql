-- How accurate is each method over all series, on the periods that were held out?
select
    method,
    metric_name,
    metric_value,
    n_forecasts
from {{ ref('fct_salesfc__accuracy') }}
where level = 'all'
order by metric_name, metric_value
