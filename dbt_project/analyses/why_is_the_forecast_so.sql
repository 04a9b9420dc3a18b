-- What makes up the forecast of the largest series, in units over the whole horizon?
with by_driver as (

    select
        unique_id,
        driver,
        sum(contribution) as units
    from {{ ref('fct_salesfc__explanation') }}
    group by unique_id, driver

),

compared as (

    select
        *,
        sum(units) over (partition by unique_id) as total
    from by_driver

)

select
    unique_id,
    driver,
    units,
    units / nullif(total, 0) as share
from compared
order by total desc, unique_id asc, units desc
