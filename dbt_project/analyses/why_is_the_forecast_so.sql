-- What makes up the forecast of the largest series, in units over the whole horizon?
select
    unique_id,
    driver,
    sum(contribution) as units,
    sum(contribution) / nullif(sum(sum(contribution)) over (partition by unique_id), 0) as share
from {{ ref('fct_salesfc__explanation') }}
group by unique_id, driver
order by sum(sum(contribution)) over (partition by unique_id) desc, unique_id, units desc
