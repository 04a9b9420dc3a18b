-- Which past periods were far from what was expected, and what may explain them?
select
    unique_id,
    ts,
    quantity,
    expected,
    lower_bound,
    upper_bound,
    score,
    explained_by
from {{ ref('fct_salesfc__anomaly') }}
order by abs(score) desc, unique_id asc, ts asc
