{#- The forecast under each scenario beside the published one, and what the difference is worth. -#}
select
    scenario.scenario_id,
    scenario.unique_id,
    scenario.ts,
    scenario.baseline,
    scenario.forecast,
    scenario.median,
    scenario.lower_bound,
    scenario.upper_bound,
    scenario.baseline_price,
    scenario.price,
    scenario.forecast - scenario.baseline as uplift_units,
    scenario.forecast * scenario.price
        - scenario.baseline * scenario.baseline_price as uplift_revenue,
    scenario.forecast * (scenario.price - supply.unit_cost)
    - scenario.baseline * (scenario.baseline_price - supply.unit_cost) as uplift_margin,
    scenario.measured_uplift as measured_uplift_units,
    scenario.measured_lower_bound,
    scenario.measured_upper_bound,
    case
        when not scenario.has_effect
            then 'no effect is known: the network does not forecast this series'
    end as note
from {{ ref('int_salesfc__scenario_prediction') }} as scenario
left join {{ ref('int_salesfc__stock_position') }} as supply
    on scenario.unique_id = supply.unique_id
