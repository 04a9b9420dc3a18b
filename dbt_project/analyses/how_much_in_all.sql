-- How much will be sold in each week, in all and by group, against last year?
select
    level,
    group_id,
    week,
    periods,
    forecast,
    lower_bound,
    upper_bound,
    last_year,
    growth
from {{ ref('fct_salesfc__demand_plan') }}
order by level, group_id, week
