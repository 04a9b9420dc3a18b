{#- What each series has once goods were moved between places: what later orders start from. -#}
with moved as (

    select
        to_unique_id as unique_id,
        quantity
    from {{ ref('int_salesfc__transfer') }}
    union all
    select
        from_unique_id as unique_id,
        -quantity as quantity
    from {{ ref('int_salesfc__transfer') }}

),

net as (

    select
        unique_id,
        sum(quantity) as quantity
    from moved
    group by unique_id

)

select
    position.unique_id,
    position.on_hand + coalesce(net.quantity, 0.0) as on_hand,
    position.on_order,
    position.lead_time,
    position.lead_time_deviation,
    position.review_period,
    position.service_level,
    position.pack_size,
    position.minimum_order
from {{ ref('int_salesfc__stock_position') }} as position
left join net on position.unique_id = net.unique_id
