-- What has to be ordered now, the most urgent first?
select
    unique_id,
    on_hand,
    reorder_point,
    order_quantity,
    stockout_risk,
    stockout_date
from {{ ref('fct_salesfc__reorder') }}
where order_quantity > 0
order by stockout_risk desc, order_quantity desc
