{#- From when to when a series is looked at: its first sale, or its first row if it never sold. -#}
with rows_read as (

    select
        unique_id,
        min(ts) as first_row_ts
    from {{ ref('int_salesfc__period_sales') }}
    group by unique_id

),

sold as (

    select
        unique_id,
        min(ts) as first_sale_ts,
        max(ts) as last_sale_ts
    from {{ ref('int_salesfc__period_quantity') }}
    where quantity > 0
    group by unique_id

)

select
    rows_read.unique_id,
    coalesce(sold.first_sale_ts, rows_read.first_row_ts) as first_ts,
    sold.first_sale_ts,
    sold.last_sale_ts,
    cutoff.cutoff,
    cutoff.last_ts
from rows_read
cross join {{ ref('int_salesfc__cutoff') }} as cutoff
left join sold on rows_read.unique_id = sold.unique_id
