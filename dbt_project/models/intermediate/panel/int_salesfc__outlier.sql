{#- Quantities outside their series' Tukey fences: more than 3 interquartile ranges beyond the
    quartiles ("far out" in Tukey, Exploratory Data Analysis, 1977), on the logarithm of the
    quantity less the median of its place in the season. Zeros are closed days or gaps, not
    outliers. A period is judged by those so far, itself among them, so that no later one changes
    what a backtest sees: by the last 364 sales, of weeks 52 and of months 24 (a year or two of what is
    sold in every period), so that a level that has moved is the usual one after a quarter of them (of
    weeks a half), and by 20 sales at least. Months whose sales, and those before, are as they were keep
    their rows; the others are judged beside as many sales before them as they look back on. -#}
{{ config(**salesfc.by_month()) }}
{%- set frequency = salesfc.setting('frequency') -%}
{%- set places = {
    'day': salesfc.weekday('sales.ts'), 'week': 'month(sales.ts)', 'month': 'quarter(sales.ts)'
} -%}
{%- set year = {'day': 364, 'week': 52, 'month': 24}[frequency] %}
{#- Rows of one place in that time: a median that took longer to follow a level that has moved would
    be far from what the fences were measured by. -#}
{%- set year_here = {'day': 52, 'week': 4, 'month': 5}[frequency] %}
{%- set residual = 'log_quantity - median_log' %}
{%- set quantity = ref('int_salesfc__period_quantity') %}
{%- set changed = salesfc.changed_months({
    'sold': '(select unique_id, ts, quantity from ' ~ quantity ~ ' where quantity > 0)'
}, and_later=true) %}
{%- set since = "date '" ~ changed.since ~ "'" if changed.months %}
{%- set low, high = salesfc.item_of('quartiles', 1), salesfc.item_of('quartiles', 2) %}

{{ salesfc.noted(changed) }}
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
    from {{ quantity }} as sales
    inner join series on sales.unique_id = series.unique_id
    where
        sales.quantity > 0
        {{- ' and false' if salesfc.setting('outliers') == 'keep' or changed.months == [] }}

),
{%- if since %}

-- Of the sales before: those of the year that quartiles are taken of, those that a median of one of
-- them is taken of, and those that a mean is.
before as (

    select
        sold.*,
        row_number() over (partition by series_number order by ts desc) as nth,
        row_number() over (partition by series_number, place order by ts desc) as nth_here
    from sold
    where ts < {{ since }}

),

quartiles_here as (

    select
        series_number,
        place,
        max(nth_here) as nth_here
    from before
    where nth <= {{ year }}
    group by series_number, place

),

looked_at as (

    select
        *,
        0 as nth
    from sold
    where ts >= {{ since }}
    union all
    select
        before.series_number,
        before.ts,
        before.quantity,
        before.log_quantity,
        before.place,
        before.nth
    from before
    inner join (select distinct series_number from sold where ts >= {{ since }}) as changed
        on before.series_number = changed.series_number
    left join quartiles_here
        on before.series_number = quartiles_here.series_number and before.place = quartiles_here.place
    where
        before.nth <= {{ 2 * year }}
        or before.nth_here <= coalesce(quartiles_here.nth_here, 0) + {{ year_here }}

),
{%- endif %}

-- Of a place that was seen less than four times all others speak, by a mean without the digits that
-- hang on where its window begins.
adjusted as (

    select
        *,
        case
            when count(*) over so_far_here >= 4
                then {{ salesfc.quantile_of('log_quantity', 0.5) }} over so_far_here
            else round(avg(log_quantity) over so_far, 9)
        end as median_log
    from {{ 'looked_at' if since else 'sold' }}
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
    from adjusted{{ ' where nth <= ' ~ year if since }}
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
    where n_sold >= 20{{ ' and ts >= ' ~ since if since }}

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
