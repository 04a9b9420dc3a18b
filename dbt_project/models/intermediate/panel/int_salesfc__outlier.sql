{#- Quantities outside their series' Tukey fences: more than 3 interquartile ranges beyond the
    quartiles ("far out" in Tukey, Exploratory Data Analysis, 1977), on the logarithm of the
    quantity less the median of its place in the season. Zeros are closed days or gaps, not
    outliers; a series with fewer than 20 sales has no fences. -#}
{%- set places = {'day': salesfc.weekday('ts'), 'week': 'month(ts)', 'month': 'quarter(ts)'} -%}

with sold as (

    select
        unique_id,
        ts,
        quantity,
        ln(1.0 + quantity) as log_quantity,
        {{ places[salesfc.setting('frequency')] }} as place
    from {{ ref('int_salesfc__period_quantity') }}
    where quantity > 0{{ ' and false' if salesfc.setting('outliers') == 'keep' }}

),

season as (

    select
        unique_id,
        place,
        {{ salesfc.quantile_of('log_quantity', 0.5) }} as median_log
    from sold
    group by unique_id, place

),

adjusted as (

    select
        sold.*,
        season.median_log,
        sold.log_quantity - season.median_log as deviation
    from sold
    inner join season on sold.unique_id = season.unique_id and sold.place = season.place

),

quartile as (

    select
        unique_id,
        {{ salesfc.quantile_of('deviation', 0.25) }} as low,
        {{ salesfc.quantile_of('deviation', 0.75) }} as high
    from adjusted
    group by unique_id
    having count(*) >= 20

),

-- A range of no width (most periods alike) would make every other quantity an outlier: a fence
-- is never nearer to its quartile than a factor of e.
fence as (

    select
        *,
        greatest(high - low, 1 / 3) as width
    from quartile

),

bounded as (

    select
        adjusted.*,
        greatest(exp(adjusted.median_log + fence.low - 3 * fence.width) - 1.0, 0.0) as lower_fence,
        exp(adjusted.median_log + fence.high + 3 * fence.width) - 1.0 as upper_fence
    from adjusted
    inner join fence on adjusted.unique_id = fence.unique_id

)

select
    unique_id,
    ts,
    quantity,
    lower_fence,
    upper_fence
from bounded
where quantity < lower_fence or quantity > upper_fence
