{#- What became of every row and unit of each series: read = in the panel + dropped by a stated rule - added by one. -#}
{%- set has_stock = salesfc.setting('stock_identifier') != '' -%}
{%- set drops_returns = salesfc.setting('returns') == 'drop' -%}

with period as (

    select
        sales.unique_id,
        sum(sales.rows_read) as rows_read,
        sum(sales.rows_duplicate) as rows_duplicate,
        sum(sales.rows_missing) as rows_missing,
        {{ 'sum(sales.rows_returned)' if drops_returns else '0' }} as rows_returned,
        sum(sales.units_read) as units_read,
        sum(sales.units_duplicate) as units_duplicate,
        {{ 'sum(sales.units_returned)' if drops_returns else '0.0' }} as units_returned
    from {{ ref('int_salesfc__period_sales') }} as sales
    group by sales.unique_id

),

rejected as (

    select
        unique_id,
        sum(row_count) as rows_rejected,
        sum(row_count) filter (where reason like '%time%') as rows_without_time,
        min(reason) as reason
    from {{ ref('int_salesfc__rejected_row') }}
    where unique_id is not null
    group by unique_id

),

panel as (

    select
        history.unique_id,
        sum(history.quantity) as units_in_panel,
        count(*) filter (where history.is_outlier) as outlier_periods
        {%- if has_stock %},
        sum(stock.stock_out_days) as stock_out_days
        {%- endif %}
    from {{ ref('int_salesfc__history') }} as history
    {%- if has_stock %}
    inner join {{ ref('int_salesfc__series_key') }} as series_key on history.unique_id = series_key.unique_id
    left join {{ ref('int_salesfc__stock_period') }} as stock
        on history.ts = stock.ts and {{ salesfc.on_keys('stock', 'series_key', 'stock') }}
    {%- endif %}
    where history.is_past
    group by history.unique_id

)

select
    series_key.unique_id,
    cast(coalesce(period.rows_read, 0) + coalesce(rejected.rows_without_time, 0) as bigint) as rows_read,
    cast(coalesce(period.rows_duplicate, 0) + coalesce(period.rows_returned, 0) + coalesce(rejected.rows_rejected, 0) as bigint)
        as rows_dropped,
    cast(coalesce(rejected.rows_rejected, 0) as bigint) as rows_rejected,
    cast(coalesce(period.rows_missing, 0) as bigint) as rows_missing,
    coalesce(period.units_read, 0.0) as units_read,
    coalesce(period.units_duplicate, 0.0) as units_duplicate,
    coalesce(period.units_returned, 0.0) as units_returned,
    coalesce(panel.units_in_panel, 0.0) as units_in_panel,
    cast(coalesce(panel.outlier_periods, 0) as bigint) as outlier_periods,
    cast({{ 'coalesce(panel.stock_out_days, 0)' if has_stock else '0' }} as bigint) as stock_out_days,
    rejected.reason
from {{ ref('int_salesfc__series_key') }} as series_key
left join period on series_key.unique_id = period.unique_id
left join rejected on series_key.unique_id = rejected.unique_id
left join panel on series_key.unique_id = panel.unique_id
