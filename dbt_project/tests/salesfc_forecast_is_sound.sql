{#- A forecast is finite and not negative, and its interval holds its median. -#}
select
    unique_id,
    ts,
    forecast,
    median,
    lower_bound,
    upper_bound
from {{ ref('fct_salesfc__forecast') }}
where not (
    forecast >= 0 and forecast < 1e300
    and lower_bound >= 0
    and lower_bound <= median
    and median <= upper_bound
    and upper_bound < 1e300
)
