{#- Quantities outside their series' Tukey fences: more than 3 interquartile ranges beyond the
    quartiles ("far out" in Tukey, Exploratory Data Analysis, 1977), on the logarithm of the
    quantity less the median of its place in the season. Zeros are closed days or gaps, not
    outliers. A period is judged by those so far, itself among them, so that no later one changes
    what a backtest sees: by the last 364 sales, of weeks 52 and of months 24 (a year or two of what is
    sold in every period), so that a level that has moved is the usual one after a quarter of them (of
    weeks a half), and by 20 sales at least. -#}
{%- set frequency = salesfc.setting('frequency') -%}
{%- set places = {
    'day': salesfc.weekday('sales.ts'), 'week': 'month(sales.ts)', 'month': 'quarter(sales.ts)'
} -%}
{%- set year = {'day': 364, 'week': 52, 'month': 24}[frequency] %}
{#- Rows of one place in that time: a median that took longer to follow a level that has moved would
    be far from what the fences were measured by. -#}
{%- set year_here = {'day': 52, 'week': 4, 'month': 5}[frequency] %}
{%- set residual = 'log_quantity - median_log' %}
{%- set low, high = salesfc.item_of('quartiles', 1), salesfc.item_of('quartiles', 2) %}

with series as (

    select
        unique_id,
        {{ salesfc.number_of(['unique_id']) }} as series_number
    from {{ ref('int_salesfc__series_key') }}

),

sold as (

    select
        series.series_number,
        sales.ts,
        sales.quantity,
        ln(1.0 + sales.quantity) as log_quantity,
        {{ places[frequency] }} as place
    from {{ ref('int_salesfc__period_quantity') }} as sales
    inner join series on sales.unique_id = series.unique_id
    where sales.quantity > 0{{ ' and false' if salesfc.setting('outliers') == 'keep' }}

),

-- Of a place that was seen less than four times all others speak.
adjusted as (

    select
        *,
        case
            when count(*) over so_far_here >= 4
                then {{ salesfc.quantile_of('log_quantity', 0.5) }} over so_far_here
            else avg(log_quantity) over so_far
        end as median_log
    from sold
    window
        so_far as (
            partition by series_number order by ts rows between {{ year }} preceding and current row
        ),
        so_far_here as (
            partition by series_number, place
            order by ts rows between {{ year_here }} preceding and current row
        )

),

quartile as (

    select
        *,
        {{ salesfc.quantiles_of(residual, [0.25, 0.75]) }} over so_far as quartiles,
        count(*) over so_far as n_sold
    from adjusted
    window
        so_far as (
            partition by series_number order by ts rows between {{ year }} preceding and current row
        )

),

-- A range of no width (most periods alike) would make every other quantity an outlier: a fence
-- is never nearer to its quartile than a factor of e.
bounded as (

    select
        series_number,
        ts,
        quantity,
        greatest(
            exp(median_log + {{ low }} - 3 * greatest({{ high }} - {{ low }}, 1 / 3)) - 1.0, 0.0
        ) as lower_fence,
        greatest(
            exp(median_log + {{ high }} + 3 * greatest({{ high }} - {{ low }}, 1 / 3)) - 1.0, 0.0
        ) as upper_fence
    from quartile
    where n_sold >= 20

)

select
    series.unique_id,
    bounded.ts,
    bounded.quantity,
    bounded.lower_fence,
    bounded.upper_fence
from bounded
inner join series on bounded.series_number = series.series_number
where bounded.quantity < bounded.lower_fence or bounded.quantity > bounded.upper_fence
