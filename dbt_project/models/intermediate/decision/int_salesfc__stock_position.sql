{#- What each series has and how it is supplied: checked, with the defaults in place, and a note of
    what was not right. -#}
{%- set has_stock = salesfc.setting('stock_identifier') != '' %}
{%- set n_keys = salesfc.setting('series_keys') | length %}
{%- set shares = has_stock and salesfc.key_positions('stock') | length < n_keys %}
{%- set review, horizon = salesfc.setting('review_period'), salesfc.setting('horizon') %}
{%- set lead, level = salesfc.setting('lead_time'), salesfc.setting('service_level') %}

with joined as (

    select
        supply.*,
        case
            when supply.lead_time between 0 and 365 then supply.lead_time else {{ lead }}
        end as used_lead_time,
        stock.on_hand,
        greatest(stock.on_order, 0.0) as on_order,
        stock.counted_on,
        stock.on_order < 0 as is_order_negative,
        {{ salesfc.valid_supply('holding_cost') }} as valid_holding,
        {{ salesfc.valid_supply('shortage_cost') }} as valid_shortage,
        cutoff.next_ts
    from {{ ref('int_salesfc__supply') }} as supply
    inner join {{ ref('int_salesfc__series_key') }} as series_key
        on supply.unique_id = series_key.unique_id
    cross join {{ ref('int_salesfc__cutoff') }} as cutoff
    left join {{ ref('int_salesfc__stock_last') }} as stock
        on {{ salesfc.on_keys('stock', 'series_key', 'stock') if has_stock else 'false' }}

)

select
    supply.unique_id,
    supply.supplier,
    supply.on_hand,
    coalesce(supply.on_order, 0.0) as on_order,
    supply.counted_on,
    supply.used_lead_time as lead_time,
    coalesce({{ salesfc.valid_supply('lead_time_deviation') }}, 0.0) as lead_time_deviation,
    {{ review }} as review_period,
    coalesce(
        case
            when supply.valid_holding > 0 and supply.valid_shortage > 0
                then supply.valid_shortage / (supply.valid_shortage + supply.valid_holding)
        end,
        {{ level }}
    ) as service_level,
    {{ salesfc.valid_supply('unit_cost') }} as unit_cost,
    {{ salesfc.valid_supply('pack_size', 0.000001) }} as pack_size,
    {{ salesfc.valid_supply('minimum_order') }} as minimum_order,
    nullif(concat_ws('; ',
        case
            when supply.lead_time not between 0 and 365
                then 'lead_time ' || cast(supply.lead_time as string)
                    || ' is not between 0 and 365: {{ lead }} is used'
        end,
        {{ salesfc.supply_fault('lead_time_deviation', 0, 'none is used') }},
        {{ salesfc.supply_fault('unit_cost', 0, 'it is left out') }},
        {{ salesfc.supply_fault('pack_size', 0.000001, 'it is left out') }},
        {{ salesfc.supply_fault('minimum_order', 0, 'it is left out') }},
        {%- if salesfc.setting('holding_cost_column') %}
        case
            when coalesce(supply.valid_holding, 0) <= 0 or coalesce(supply.valid_shortage, 0) <= 0
                then 'holding and shortage cost are not both above 0: service level {{ level }} is used'
        end,
        {%- endif %}
        {%- if has_stock %}
        case when supply.on_hand is null then 'no stock was counted up to the cutoff' end,
        case when supply.on_hand < 0 then 'stock on hand is negative: units are owed' end,
        case when supply.is_order_negative then 'on_order is negative: it is taken as 0' end,
        case
            when supply.counted_on < supply.next_ts - 1
                then 'stock was last counted on ' || cast(supply.counted_on as string)
        end,
        {%- endif %}
        case
            when supply.used_lead_time + {{ review }} > {{ horizon }}
                then 'lead time + review reach beyond the horizon of {{ horizon }}: '
                    || 'demand is taken to go on as at its end'
        end,
        case
            when {{ shares | lower }}
                then 'stock is counted by fewer keys than series: each series sees all of it'
        end
    ), '') as note
from joined as supply
