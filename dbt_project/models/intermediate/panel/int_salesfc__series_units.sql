{#- What became of the units of each period that has rows, and of those that were filled; sums by
    series. What is in the panel is summed for itself, so that a unit lost on the way is missed. -#}
with read as (

    select
        sales.unique_id,
        sum(case when sales.ts < span.first_ts then sales.units + sales.units_imputed end)
            as units_before_first_sale,
        sum(case when sales.ts >= span.first_ts and sales.is_unknown then sales.units end)
            as units_unknown,
        sum(
            case
                when sales.ts >= span.first_ts and not sales.is_unknown
                    then least(sales.units + sales.units_imputed, 0.0)
            end
        ) as units_clipped,
        sum(sales.units_imputed) as units_imputed
    from {{ ref('int_salesfc__period_quantity') }} as sales
    inner join {{ ref('int_salesfc__series_span') }} as span on sales.unique_id = span.unique_id
    group by sales.unique_id

),

outlier as (

    select
        outlier.unique_id,
        sum(outlier.quantity - coalesce(history.quantity, 0.0)) as units_outlier
    from {{ ref('int_salesfc__history') }} as history
    inner join {{ ref('int_salesfc__outlier') }} as outlier
        on history.unique_id = outlier.unique_id and history.ts = outlier.ts
    where history.is_outlier
    group by outlier.unique_id

),

filled as (

    select
        unique_id,
        sum(quantity) as units_filled
    from {{ ref('int_salesfc__history') }}
    where is_gap or is_unknown
    group by unique_id

),

panel as (

    select
        unique_id,
        sum(quantity) as units_in_panel
    from {{ ref('int_salesfc__observations') }}
    group by unique_id

)

select
    span.unique_id,
    coalesce({{ salesfc.steady('read.units_clipped') }}, 0.0) as units_clipped,
    coalesce({{ salesfc.steady('read.units_before_first_sale') }}, 0.0) as units_before_first_sale,
    coalesce({{ salesfc.steady('read.units_unknown') }}, 0.0) as units_unknown,
    coalesce({{ salesfc.steady('read.units_imputed') }}, 0.0) as units_imputed,
    coalesce({{ salesfc.steady('outlier.units_outlier') }}, 0.0) as units_outlier,
    coalesce({{ salesfc.steady('filled.units_filled') }}, 0.0) as units_filled,
    coalesce({{ salesfc.steady('panel.units_in_panel') }}, 0.0) as units_in_panel
from {{ ref('int_salesfc__series_span') }} as span
left join read on span.unique_id = read.unique_id
left join outlier on span.unique_id = outlier.unique_id
left join filled on span.unique_id = filled.unique_id
left join panel on span.unique_id = panel.unique_id
