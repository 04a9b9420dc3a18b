{#- Past and future in one table, as a chart wants it. Sales are as they were counted: before
    outliers are capped. -#}
with history as (

    select
        panel.unique_id,
        panel.ts,
        'history' as time_series_type,
        coalesce(sales.quantity, panel.quantity) as quantity,
        case when sales.unique_id is null then 0.0 else sales.revenue end as revenue
    from {{ ref('int_salesfc__observations') }} as panel
    cross join {{ ref('int_salesfc__cutoff') }} as cutoff
    left join {{ ref('int_salesfc__period_quantity') }} as sales
        on panel.unique_id = sales.unique_id and panel.ts = sales.ts
    where panel.ts <= cutoff.cutoff

)

select
    unique_id,
    ts,
    time_series_type,
    quantity,
    revenue,
    cast(null as double) as forecast,
    cast(null as double) as lower_bound,
    cast(null as double) as upper_bound
from history

union all

select
    unique_id,
    ts,
    'forecast' as time_series_type,
    cast(null as double) as quantity,
    cast(null as double) as revenue,
    forecast,
    lower_bound,
    upper_bound
from {{ ref('fct_salesfc__forecast') }}
