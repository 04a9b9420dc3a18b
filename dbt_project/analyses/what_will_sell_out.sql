-- What may be out of stock before an order placed now is there (risk above 20 %), and when?
select
    unique_id,
    on_hand,
    on_order,
    lead_time,
    stockout_risk,
    stockout_date
from {{ ref('fct_salesfc__reorder') }}
where stockout_risk > 0.2
order by stockout_risk desc, stockout_date asc
