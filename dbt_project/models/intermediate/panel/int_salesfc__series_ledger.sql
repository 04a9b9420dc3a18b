{#- What became of every row and unit of each series: read = in the panel + dropped by a stated rule
    - added by one. -#}
{%- set has_stock = salesfc.setting('stock_identifier') != '' -%}
{%- set given = salesfc.setting('cutoff') -%}
{%- set drops_returns = salesfc.setting('returns') == 'drop' -%}

with period as (

    select
        sales.unique_id,
        sum(sales.rows_read) as rows_read,
        sum(sales.rows_duplicate) as rows_duplicate,
        sum(sales.rows_missing) as rows_missing,
        {{ 'sum(sales.rows_returned)' if drops_returns else '0' }} as rows_returned,
        {{ salesfc.steady('sum(sales.units_read)') }} as units_read,
        {{ salesfc.steady('sum(sales.units_duplicate)') }} as units_duplicate,
        {{ salesfc.steady('sum(sales.units_returned)') if drops_returns else '0.0' }}
            as units_returned
    from {{ ref('int_salesfc__period_sales') }} as sales
    group by sales.unique_id

),

rejected as (

    {#- Those with a time that is believed are among the rows of a period already. #}
    select
        rejected_row.unique_id,
        sum(rejected_row.row_count) as rows_rejected,
        sum(rejected_row.row_count) filter (
            where
            rejected_row.sold_on is null
            or rejected_row.sold_on < span.first_on
            {{- ' or rejected_row.sold_on > span.last_on' if not given }}
        ) as rows_without_period,
        min(rejected_row.reason) as reason
    from {{ ref('int_salesfc__rejected_row') }} as rejected_row
    cross join {{ ref('int_salesfc__sales_span') }} as span
    where rejected_row.input = 'sales' and rejected_row.unique_id is not null
    group by rejected_row.unique_id

),

outlier as (

    select
        unique_id,
        count(*) as outlier_periods
    from {{ ref('int_salesfc__outlier') }}
    group by unique_id

)
{%- if has_stock %},

stock as (

    select
        series_key.unique_id,
        sum(stock_period.stock_out_days) as stock_out_days
    from {{ ref('int_salesfc__series_span') }} as span
    inner join {{ ref('int_salesfc__series_key') }} as series_key on span.unique_id = series_key.unique_id
    inner join {{ ref('int_salesfc__stock_period') }} as stock_period
        on {{ salesfc.on_keys('stock', 'series_key', 'stock_period') }} and stock_period.ts >= span.first_ts
    group by series_key.unique_id

)
{%- endif %}

select
    series_key.unique_id,
    cast(
        coalesce(period.rows_read, 0) + coalesce(rejected.rows_without_period, 0)
    as bigint) as rows_read,
    cast(
        coalesce(period.rows_duplicate, 0) + coalesce(period.rows_returned, 0)
        + coalesce(rejected.rows_rejected, 0)
    as bigint) as rows_dropped,
    cast(coalesce(rejected.rows_rejected, 0) as bigint) as rows_rejected,
    cast(coalesce(period.rows_missing, 0) as bigint) as rows_missing,
    coalesce(period.units_read, 0.0) as units_read,
    coalesce(period.units_duplicate, 0.0) as units_duplicate,
    coalesce(period.units_returned, 0.0) as units_returned,
    coalesce(units.units_clipped, 0.0) as units_clipped,
    coalesce(units.units_before_first_sale, 0.0) as units_before_first_sale,
    coalesce(units.units_unknown, 0.0) as units_unknown,
    coalesce(units.units_imputed, 0.0) as units_imputed,
    coalesce(units.units_outlier, 0.0) as units_outlier,
    coalesce(units.units_filled, 0.0) as units_filled,
    coalesce(units.units_in_panel, 0.0) as units_in_panel,
    cast(coalesce(outlier.outlier_periods, 0) as bigint) as outlier_periods,
    cast({{ 'coalesce(stock.stock_out_days, 0)' if has_stock else 0 }} as bigint)
        as stock_out_days,
    rejected.reason
from {{ ref('int_salesfc__series_key') }} as series_key
left join period on series_key.unique_id = period.unique_id
left join rejected on series_key.unique_id = rejected.unique_id
left join {{ ref('int_salesfc__series_units') }} as units
    on series_key.unique_id = units.unique_id
left join outlier on series_key.unique_id = outlier.unique_id
{%- if has_stock %}
left join stock on series_key.unique_id = stock.unique_id
{%- endif %}
