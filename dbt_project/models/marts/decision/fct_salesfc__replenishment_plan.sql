{#- What comes in over the next weeks: orders by supplier and place, and transfers between places,
    which are made at once. -#}
with planned as (

    select
        'order' as kind,
        cast(date_trunc('week', plan.order_ts) as date) as week,
        position.supplier,
        cast(null as string) as from_location,
        {{ salesfc.location('series_key') }} as location,
        plan.unique_id,
        plan.order_quantity as units,
        plan.order_quantity * position.unit_cost as value
    from {{ ref('int_salesfc__order_plan') }} as plan
    inner join {{ ref('int_salesfc__stock_position') }} as position
        on plan.unique_id = position.unique_id
    inner join {{ ref('int_salesfc__series_key') }} as series_key
        on plan.unique_id = series_key.unique_id

    union all

    select
        'transfer' as kind,
        cast(date_trunc('week', cutoff.next_ts) as date) as week,
        position.supplier,
        {{ salesfc.location('giver') }} as from_location,
        {{ salesfc.location('taker') }} as location,
        transfer.to_unique_id as unique_id,
        transfer.quantity as units,
        transfer.quantity * position.unit_cost as value
    from {{ ref('int_salesfc__transfer') }} as transfer
    cross join {{ ref('int_salesfc__cutoff') }} as cutoff
    inner join {{ ref('int_salesfc__series_key') }} as giver
        on transfer.from_unique_id = giver.unique_id
    inner join {{ ref('int_salesfc__series_key') }} as taker
        on transfer.to_unique_id = taker.unique_id
    inner join {{ ref('int_salesfc__stock_position') }} as position
        on transfer.to_unique_id = position.unique_id

)

select
    kind,
    week,
    supplier,
    from_location,
    location,
    count(distinct unique_id) as series,
    {{ salesfc.steady('sum(units)') }} as units,
    {{ salesfc.steady('sum(value)') }} as value
from planned
group by kind, week, supplier, from_location, location
