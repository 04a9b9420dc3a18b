select
    min(first_ts) as first_ts,
    max(last_ts) as last_ts
from {{ ref('int_salesfc__series_span') }}
