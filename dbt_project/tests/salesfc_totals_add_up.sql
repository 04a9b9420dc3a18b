{#- The groups of each level sum to the total over all, and no total is negative. -#}
with summed as (

    select
        level,
        ts,
        sum(forecast) as forecast,
        min(forecast) as least
    from {{ ref('fct_salesfc__forecast_total') }}
    group by level, ts

)

select
    summed.level,
    summed.ts,
    summed.forecast,
    total.forecast as total
from summed
inner join summed as total on summed.ts = total.ts and total.level = 'all'
where
    abs(summed.forecast - total.forecast) > 0.000001 * greatest(1, total.forecast)
    or summed.least < 0
