{#- What to order now, by series: periodic review with an order-up-to level. -#}
{%- set week = {'day': 7, 'week': 1, 'month': 0.23}[salesfc.setting('frequency')] -%}

with placed as (

    select
        position.*,
        outlook.over_lead_time,
        outlook.over_protection,
        outlook.protection_level,
        outlook.over_horizon,
        outlook.horizon_level,
        outlook.stockout_risk,
        outlook.stockout_date,
        outlook.protection_level - position.on_hand - position.on_order as missing_units
    from {{ ref('int_salesfc__stock_outlook') }} as outlook
    inner join {{ ref('int_salesfc__stock_position') }} as position
        on outlook.unique_id = position.unique_id

),

ordered as (

    select
        *,
        case
            when missing_units is null then null
            when missing_units <= 0 then 0.0
            else ceil(
                greatest(missing_units, coalesce(minimum_order, 0)) / coalesce(pack_size, 1.0)
                - 0.000000001
            ) * coalesce(pack_size, 1.0)
        end as order_quantity,
        case
            when on_hand is not null then greatest(on_hand - horizon_level, 0.0)
        end as overstock_units
    from placed

)

select
    unique_id,
    supplier,
    on_hand,
    on_order,
    cast(lead_time as double) as lead_time,
    cast(lead_time_deviation as double) as lead_time_deviation,
    cast(review_period as integer) as review_period,
    cast(service_level as double) as service_level,
    over_protection as demand_over_lead_time,
    protection_level - over_protection as safety_stock,
    protection_level as reorder_point,
    case
        when order_quantity > 0 then on_hand + on_order + order_quantity
        else protection_level
    end as order_up_to_level,
    order_quantity,
    order_quantity * unit_cost as order_value,
    horizon_level as newsvendor_quantity,
    stockout_risk,
    stockout_date,
    on_hand
    / nullif(over_horizon / {{ salesfc.setting('horizon') }} * {{ week }}, 0) as weeks_of_cover,
    overstock_units,
    overstock_units * unit_cost as overstock_value,
    note
from ordered
