-- What to expect of each good: the last four weeks, the next four, and whether that is more or less.
with past as (

    select
        unique_id,
        sum(quantity) as sold
    from {{ ref('fct_salesfc__sales_and_forecast') }}
    where
        time_series_type = 'history'
        and ts > (select max(cutoff) - 28 from {{ ref('fct_salesfc__forecast') }})
    group by unique_id

),

ahead as (

    select
        unique_id,
        sum(forecast) as expected
    from {{ ref('fct_salesfc__forecast') }}
    group by unique_id

)

select
    series."StockCode",
    series."Description",
    past.sold,
    ahead.expected,
    ahead.expected - past.sold as change
from ahead
inner join {{ ref('dim_salesfc__series') }} as series on ahead.unique_id = series.unique_id
left join past on ahead.unique_id = past.unique_id
