{#- Past and future in one table, as a chart wants it. Sales are as they were counted: before
    outliers are capped. -#}
select
    unique_id,
    ts,
    'history' as time_series_type,
    coalesce(quantity_read, quantity) as quantity,
    revenue,
    cast(null as double) as forecast,
    cast(null as double) as lower_bound,
    cast(null as double) as upper_bound
from {{ ref('int_salesfc__history') }}
where is_past

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
