{#- What kind of demand a series has: mean interval between sales (1.32) and squared variation of
    their sizes (0.49) as in Syntetos, Boylan and Croston, J. Oper. Res. Soc. 56 (2005). Dead:
    nothing sold for 90 days, or two horizons if that is longer. New: first sold within the last 8
    weeks. Sizes are averaged in the order of time: a sum in the order of threads differs in its last
    digit from build to build. -#}
{%- set days = {'day': 1, 'week': 7, 'month': 30}[salesfc.setting('frequency')] -%}
{%- set dead_days = [90, 2 * salesfc.setting('horizon') * days] | max -%}

with counted as (

    select
        unique_id,
        count(*) as n_periods,
        count(*) filter (where quantity > 0) as n_sold,
        {{ salesfc.listed('quantity', 'ts') }} as quantities,
        {{ salesfc.listed('quantity', 'ts', 'quantity > 0') }} as sizes
    from {{ ref('int_salesfc__observations') }}
    where mask
    group by unique_id

),

measured as (

    select
        span.*,
        coalesce(counted.n_periods, 0) as n_periods,
        coalesce(counted.n_sold, 0) as n_sold,
        coalesce({{ salesfc.list_sum('counted.quantities') }}, 0.0) as units,
        counted.n_periods / nullif(counted.n_sold, 0) as demand_interval,
        power(
            coalesce({{ salesfc.list_deviation('counted.sizes') }}, 0.0)
            / nullif({{ salesfc.list_mean('counted.sizes') }}, 0), 2
        ) as size_variation
    from {{ ref('int_salesfc__series_span') }} as span
    left join counted on span.unique_id = counted.unique_id

)

select
    unique_id,
    first_ts,
    first_sale_ts,
    last_sale_ts,
    n_periods,
    n_sold,
    units,
    demand_interval,
    size_variation,
    case
        when last_sale_ts is null then 'dead'
        when {{ salesfc.days_between('last_sale_ts', 'cutoff') }} > {{ dead_days }} then 'dead'
        when {{ salesfc.days_between('first_sale_ts', 'cutoff') }} < 56 then 'new'
        when coalesce(demand_interval, 1.0) < 1.32
            then case when coalesce(size_variation, 0.0) < 0.49 then 'smooth' else 'erratic' end
        when coalesce(size_variation, 0.0) < 0.49 then 'intermittent'
        else 'lumpy'
    end as demand_class
from measured
