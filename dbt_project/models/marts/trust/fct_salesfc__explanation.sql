{{ config(tags=['salesfc_predict']) }}

select
    unique_id,
    cast(ts as date) as ts,
    driver,
    contribution
from {{ ref('int_salesfc__contribution') }}
