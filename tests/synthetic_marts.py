"""Marts with the contract's columns, made up in SQL: a stand-in for a build wherever only the reading is tested."""

from __future__ import annotations

from pathlib import Path

import duckdb

CUTOFF = "2025-10-31"
HORIZON = 28
LEVELS = "[0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975]"
# The matching quantiles of a standard normal distribution.
NORMAL = "[-1.96, -1.645, -1.282, -0.842, -0.524, -0.253, 0, 0.253, 0.524, 0.842, 1.282, 1.645, 1.96]"
EVIL = "</script><script>window.broken = 1</script><img src=x onerror=window.broken=1>"

SERIES = """
create table dim_salesfc__series as
select
    item || '/' || store as unique_id, item, store,
    (['Tea', 'Coffee', 'Kitchen', 'Textiles', 'Garden', '礼品'])[1 + i // 4 % 6] as category,
    (['North', 'Alba', 'Kin', 'Ordo'])[1 + i % 4] as brand,
    case when i = 1 then $evil else (['Blue', 'Large', 'Small', 'Oak'])[1 + i % 4] || ' '
        || (['kettle', 'mug', 'towel', 'lamp', 'basket'])[1 + i % 5] || ' no. ' || i end as title,
    round(5 + (i * 37 % 900) / 10, 2) as list_price,
    date '2022-11-01' as first_sale, date '2025-10-31' as last_sale,
    (['smooth', 'erratic', 'intermittent', 'lumpy', 'smooth', 'smooth', 'new'])[1 + i % 7] as demand_class,
    i, 40 / (1 + i / 20.0) + 0.6 as volume
from (select range as i, 'SKU-' || lpad((range // 3)::varchar, 4, '0') as item,
      (['Berlin', 'Lyon', '上海'])[1 + range % 3] as store from range($series))
"""

SALES = """
create table fct_salesfc__sales_and_forecast as
with base as (
    select unique_id, i, volume, ts, volume
        * (1 + 0.35 * sin(2 * pi() * dayofweek(ts) / 7 + i % 3)) * (1 + 0.25 * cos(2 * pi()
        * dayofyear(ts) / 365 + i % 5)) as mean,
        (hash(unique_id || ts::varchar) % 1000000) / 1000000.0 as u
    from dim_salesfc__series, (select unnest(generate_series(
        date $cutoff - ($days - 1)::integer, date $cutoff + $horizon::integer, interval 1 day))::date as ts)
)
select unique_id, ts, case when ts <= date $cutoff then 'history' else 'forecast' end as time_series_type,
    case when ts <= date $cutoff and (i + dayofyear(ts)) % 97 > 0
        then greatest(0, round(mean + (u - 0.5) * 2.8 * sqrt(mean) * 1.2))::double end as quantity,
    quantity * (5 + i % 40) as revenue,
    case when ts > date $cutoff then round(mean, 4) end as forecast,
    case when ts > date $cutoff then greatest(0, mean - 1.645 * sqrt(mean)) end as lower_bound,
    case when ts > date $cutoff then mean + 1.645 * sqrt(mean) end as upper_bound
from base
where not (i % 50 = 9 and ts > date $cutoff)  -- skipped series have no forecast
"""

FORECAST = """
create table fct_salesfc__forecast as
select s.unique_id, ts, date $cutoff as cutoff, forecast, forecast * 0.97 as median, lower_bound, upper_bound,
    0.9 as confidence_level,
    case when i % 23 = 7 then 'seasonal_naive' else 'lstm' end as method,
    case when i % 23 = 7 then null else 'lstm-20251031-1a2b3c' end as model_version
from fct_salesfc__sales_and_forecast s join dim_salesfc__series using (unique_id) where time_series_type = 'forecast'
"""

QUANTILE = f"""
create table fct_salesfc__forecast_quantile as
select unique_id, ts, cutoff, unnest({LEVELS}) as quantile, greatest(0,
    forecast + unnest({NORMAL}) * sqrt(forecast)) as forecast
from fct_salesfc__forecast
"""

STATUS = """
create table fct_salesfc__series_status as
select unique_id, case when i % 50 = 9 then 'skipped' when i % 23 = 7 then 'fallback' else 'ok' end as status,
    case when i % 50 = 9 then 'no row could be read' when i % 23 = 7 then 'too short: 20 of 56 periods' end as reason,
    case when i % 50 = 9 then null when i % 23 = 7 then 'seasonal_naive' else 'lstm' end as method,
    900 + i % 60 as rows_read, i % 11 as rows_dropped, i % 17 as stock_out_days
from dim_salesfc__series
"""

BACKTEST = f"""
create table fct_salesfc__backtest as
with held_out as (
    select unique_id, ts, quantity, volume * (1 + 0.35 * sin(2 * pi() * dayofweek(ts) / 7 + i % 3))
        * (1 + 0.25 * cos(2 * pi() * dayofyear(ts) / 365 + i % 5)) as mean,
        (hash(ts::varchar || unique_id) % 1000) / 1000.0 - 0.5 as u
    from fct_salesfc__sales_and_forecast join dim_salesfc__series using (unique_id)
    where ts <= date $cutoff and ts > date $cutoff - $horizon::integer and i % 50 <> 9
)
select unique_id, date $cutoff - $horizon::integer as cutoff, ts, method, quantity, forecast,
    greatest(0, forecast - 1.645 * sqrt(mean)) as lower_bound, forecast + 1.645 * sqrt(mean) as upper_bound,
    {LEVELS}::double[] as levels, list_transform({NORMAL}, lambda z: greatest(0,
    forecast + z * sqrt(mean))) as quantiles
from (
    select *, 'lstm' as method, mean * (1 + 0.1 * u) as forecast from held_out union all
    select *, 'seasonal_naive', greatest(0, round(mean + u * 4 * sqrt(mean) * 1.3)) from held_out
)
"""

ACCURACY = """
create table fct_salesfc__accuracy as
with scored as (
    select unnest([{level: 'all', g: 'all'}, {level: 'category', g: category}, {level: 'store', g: store},
        {level: 'series', g: unique_id}], recursive := true), method, quantity, forecast, lower_bound, upper_bound
    from fct_salesfc__backtest join dim_salesfc__series using (unique_id) where quantity is not null
), measured as (
    select level, g as group_id, method, count(*) as n_forecasts, sum(abs(quantity - forecast)) / sum(quantity) as wape,
        sum(forecast - quantity) / sum(quantity) as bias, avg((quantity - forecast) ^ 2) as mse,
        wape * 2.1 as mase, wape * 2.4 as rmsse,
        avg(2 * abs(quantity - forecast) / nullif(abs(quantity) + abs(forecast), 0)) as smape,
        wape * 0.41 as scaled_quantile_loss,
        avg((quantity between lower_bound and upper_bound)::integer) as coverage
    from scored group by all
)
unpivot measured on mase, rmsse, wape, bias, smape, mse, scaled_quantile_loss,
    coverage into name metric_name value metric_value
"""

REGISTRY = """
create table salesfc__model_registry as
select 'lstm-2025' || lpad((10 - range)::varchar, 2, '0') || '31-1a2b3c' as model_version, 'lstm' as network,
    'quick' as preset,
    date $cutoff - (range * 31)::integer as cutoff, 7 as seed, '{}' as config, '{"wape": 0.31,
    "scaled_quantile_loss": 0.127, "promotion": {"promoted": true, "reason": "it was the first"}}' as metrics,
    'd41d8c' as data_hash, 'c0ffee' as code_hash, '\\x00'::blob as weights,
    timestamp '2025-11-01 06:00:00' - interval (range) month as created_at,
    case when range = 0 then 'promoted' else 'archived' end as stage
from range(4)
"""

BASE = (SERIES, SALES, FORECAST, QUANTILE, STATUS, BACKTEST, ACCURACY, REGISTRY)

LATER = (
    """create table fct_salesfc__forecast_total as
    select level, group_id, ts, sum(forecast) as forecast, sum(forecast) - 2 * sqrt(sum(forecast)) as lower_bound,
        sum(forecast) + 2 * sqrt(sum(forecast)) as upper_bound
    from (select unnest([{level: 'total', group_id: 'total'}, {level: 'category', group_id: category},
        {level: 'category/store', group_id: category || '/' || store}, {level: 'store', group_id: store},
        {level: 'series', group_id: unique_id}], recursive := true), ts, forecast
        from fct_salesfc__forecast join dim_salesfc__series using (unique_id)) group by all""",
    """create table fct_salesfc__reorder as
    select unique_id, round(volume * (i % 9)) as on_hand, 7.0 as lead_time, 0.95 as service_level,
    volume * 7 as demand_over_lead_time,
        sqrt(volume * 7) * 1.645 as safety_stock, volume * 7 + sqrt(volume * 7) * 1.645 as reorder_point,
        greatest(0, round(volume * 7 + sqrt(volume * 7) * 1.645 - volume * (i % 9)))::double as order_quantity,
        1 / (1 + exp((i % 9 - 6))) as stockout_risk,
        case when i % 9 < 7 then date $cutoff + (1 + i % 9)::integer end as stockout_date
    from dim_salesfc__series where i % 50 <> 9""",
    """create table fct_salesfc__scenario as
    select unnest(['price -10 %', 'no promotion']) as scenario_id, unique_id, ts,
    forecast * unnest([1.14, 0.93]) as forecast,
        lower_bound, upper_bound, forecast * unnest([0.14, -0.07]) as uplift_units,
        forecast * unnest([0.32, -1.2]) as uplift_revenue
    from fct_salesfc__forecast join dim_salesfc__series using (unique_id) where category = 'Tea'""",
    """create table fct_salesfc__explanation as
    select unique_id, ts,
    unnest(['level and trend', 'weekly season', 'yearly season', 'holidays and events', 'price and promotion', 'rest'])
        as driver,
        forecast * unnest([0.82, 0.11, 0.05, 0.04, -0.06, 0.04]) as contribution from fct_salesfc__forecast""",
    """create table fct_salesfc__anomaly as
    select unique_id, ts, quantity, quantity / 3 as expected, 0.0 as lower_bound, quantity / 2 as upper_bound,
    3 + (quantity % 7) as score,
        case when i % 2 = 0 then 'promotion' end as explained_by
    from fct_salesfc__sales_and_forecast join dim_salesfc__series using (unique_id)
    where quantity > 3 and ts > date $cutoff - 150 and hash(unique_id || 'a' || ts::varchar) % 700 = 0""",
    """create table fct_salesfc__forecast_vintage as
    select unique_id, ts - (28 * v)::integer as ts, cutoff - (28 * v)::integer as cutoff, forecast, median,
    lower_bound, upper_bound,
        confidence_level, method, model_version,
        timestamp '2025-11-01 06:10:00' - interval (28 * v) day as made_at, 'inv-' || v as invocation_id
    from fct_salesfc__forecast, (select range as v from range(3))""",
)


def write_marts(db: Path, series: int = 60, days: int = 400, later: bool = False) -> Path:
    """Write the first release's marts for `series` series and `days` of history; all of the contract's when `later`."""
    with duckdb.connect(str(db)) as connection:
        for sql in BASE + (LATER if later else ()):
            literal = EVIL.replace("'", "''")
            values = {
                "series": series,
                "days": days,
                "horizon": HORIZON,
                "cutoff": f"'{CUTOFF}'",
                "evil": f"'{literal}'",
            }
            for name, value in values.items():
                sql = sql.replace(f"${name}", str(value))
            connection.execute(sql)
        connection.execute("alter table dim_salesfc__series drop column i")
        connection.execute("alter table dim_salesfc__series drop column volume")
    return db


# The first days of the periods around the cutoff, from those of days around it.
PERIODS = {
    "week": "date '2025-11-03' + 7 * ({} - date '2025-11-01')::integer",
    "month": "(date '2025-11-01' + to_months(({} - date '2025-11-01')::integer))::date",
}


def in_periods(frequency: str) -> tuple[str, ...]:
    """Statements that make weeks or months of the days of all marts."""
    tables = {"sales_and_forecast": ["ts"], "forecast": ["ts", "cutoff"], "forecast_quantile": ["ts", "cutoff"]}
    tables |= {"backtest": ["ts", "cutoff"], "forecast_total": ["ts"], "explanation": ["ts"], "anomaly": ["ts"]}
    return tuple(
        f"update fct_salesfc__{table} set {', '.join(f'{c} = {PERIODS[frequency].format(c)}' for c in columns)}"
        for table, columns in tables.items()
    )
