{#- Units to move between places of one product: from where more is on hand than suffices until the
    next order's delivery, to where it runs out before an order could be there. Surplus and shortage
    are laid side by side, largest first, and each overlap is a transfer: all that can be helped is
    helped, which is the optimum of the transport problem when every way costs the same. Nothing is
    moved where stock is counted by fewer keys than series: each of them sees all of it. -#}
{%- set keys, place = salesfc.setting('series_keys') | map('lower') | list,
    salesfc.setting('location_key') | lower -%}
{%- set is_by_place = salesfc.setting('stock_identifier') != '' and place in keys
    and salesfc.key_positions('stock') | length == keys | length %}

with place as (

    select
        outlook.unique_id,
        {{ salesfc.product('series_key') }} as product,
        floor(greatest(position.on_hand - ceil(outlook.protection_level), 0.0)) as surplus,
        ceil(greatest(outlook.lead_level - position.on_hand - position.on_order, 0.0)) as shortage
    from {{ ref('int_salesfc__stock_outlook') }} as outlook
    inner join {{ ref('int_salesfc__stock_position') }} as position
        on outlook.unique_id = position.unique_id
    inner join {{ ref('int_salesfc__series_key') }} as series_key
        on outlook.unique_id = series_key.unique_id
    where
        position.on_hand is not null
        and {{ 'true' if is_by_place else 'false' }}

),

laid as (

    select
        *,
        sum(surplus) over by_surplus as surplus_to,
        sum(shortage) over by_shortage as shortage_to
    from place
    window
        by_surplus as (
            partition by product order by surplus desc, unique_id asc
            rows between unbounded preceding and current row
        ),
        by_shortage as (
            partition by product order by shortage desc, unique_id asc
            rows between unbounded preceding and current row
        )

)

select
    giver.unique_id as from_unique_id,
    taker.unique_id as to_unique_id,
    least(giver.surplus_to, taker.shortage_to)
    - greatest(giver.surplus_to - giver.surplus, taker.shortage_to - taker.shortage) as quantity
from laid as giver
inner join laid as taker
    on
        giver.product = taker.product
        and least(giver.surplus_to, taker.shortage_to)
        > greatest(giver.surplus_to - giver.surplus, taker.shortage_to - taker.shortage)
where giver.surplus > 0 and taker.shortage > 0
