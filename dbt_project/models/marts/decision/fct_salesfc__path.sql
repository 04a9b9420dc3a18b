select
    unique_id,
    ts,
    path,
    quantity
from {{ ref('int_salesfc__path') }}
