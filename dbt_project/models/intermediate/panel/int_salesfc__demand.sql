{#- What kind of demand a series has: mean interval between sales (1.32) and squared variation of
    their sizes (0.49) as in Syntetos, Boylan and Croston, J. Oper. Res. Soc. 56 (2005). Dead:
    nothing sold for 90 days, or two horizons if that is longer. New: first sold within the last 8
    weeks. -#}
{%- set days = {'day': 1, 'week': 7, 'month': 30}[salesfc.setting('frequency')] -%}
{%- set dead_days = [90, 2 * salesfc.setting('horizon') * days] | max -%}

with sized as (

    select
        unique_id,
        quantities,
        {{ salesfc.list_where('quantities', 'item > 0') }} as sizes
    from {{ ref('int_salesfc__quantity_list') }}

),

measured as (

    select
        span.*,
        coalesce({{ salesfc.list_length('sized.quantities') }}, 0) as n_periods,
        coalesce({{ salesfc.list_length('sized.sizes') }}, 0) as n_sold,
        coalesce({{ salesfc.list_sum('sized.quantities') }}, 0.0) as units,
        {{ salesfc.list_length('sized.quantities') }}
        / nullif({{ salesfc.list_length('sized.sizes') }}, 0) as demand_interval,
        power(
            coalesce({{ salesfc.list_deviation('sized.sizes') }}, 0.0)
            / nullif({{ salesfc.list_mean('sized.sizes') }}, 0), 2
        ) as size_variation,
        -- filled and capped periods may hold fractions of goods that are sold by the piece
        {{ salesfc.list_length(salesfc.list_where('sized.sizes', 'item = round(item)')) }}
        >= 0.9 * {{ salesfc.list_length('sized.sizes') }} as is_whole
    from {{ ref('int_salesfc__series_span') }} as span
    left join sized on span.unique_id = sized.unique_id

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
    coalesce(is_whole, true) as has_whole_units,
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
