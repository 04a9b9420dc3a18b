-- Which series did not get the network's forecast, and why?
select
    unique_id,
    status,
    method,
    reason,
    rows_read,
    rows_dropped,
    stock_out_days
from {{ ref('fct_salesfc__series_status') }}
where status <> 'ok'
order by status, unique_id
