{#- What each discount would bring, and which brings most. The best is that of the estimate; how
    sure it is stands beside it. -#}
select
    scenario_id,
    discount,
    series,
    units,
    units_lower_bound,
    units_upper_bound,
    revenue,
    revenue_lower_bound,
    revenue_upper_bound,
    margin,
    margin_lower_bound,
    margin_upper_bound,
    probability_best_revenue,
    probability_best_margin,
    coalesce(is_best_revenue, false) as is_best_revenue,
    coalesce(is_best_margin, false) as is_best_margin,
    evidence_periods,
    note
from {{ ref('int_salesfc__discount') }}
