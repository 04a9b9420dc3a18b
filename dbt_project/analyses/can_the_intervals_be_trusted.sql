-- Did the intervals hold as many of the held-out sales as they say?
select
    cutoff,
    avg(case when quantity between lower_bound and upper_bound then 1.0 else 0.0 end) as held,
    avg(case when quantity < lower_bound then 1.0 else 0.0 end) as below,
    avg(case when quantity > upper_bound then 1.0 else 0.0 end) as above,
    (
        select max(forecast.confidence_level)
        from {{ ref('fct_salesfc__forecast') }} as forecast
    ) as promised,
    count(*) as forecasts
from {{ ref('fct_salesfc__backtest') }}
where method = 'published' and quantity is not null
group by cutoff
order by cutoff
