{#- What became of the units of each period that has rows, and of those that were filled; sums by series. -#}
with period as (

    select
        coalesce(sales.unique_id, panel.unique_id) as unique_id,
        sales.units,
        sales.units_imputed,
        sales.is_unknown,
        sales.quantity as quantity_read,
        panel.quantity,
        panel.unique_id is null as is_before,
        sales.unique_id is null as is_gap
    from {{ ref('int_salesfc__period_quantity') }} as sales
    full outer join {{ ref('int_salesfc__observations') }} as panel
        on sales.unique_id = panel.unique_id and sales.ts = panel.ts

)

select
    unique_id,
    coalesce(sum(case when not is_before and not is_unknown and units + units_imputed < 0 then units + units_imputed end), 0.0)
        as units_clipped,
    coalesce(sum(case when is_before then units + units_imputed end), 0.0) as units_before_first_sale,
    coalesce(sum(case when not is_before and is_unknown then units end), 0.0) as units_unknown,
    coalesce(sum(units_imputed), 0.0) as units_imputed,
    coalesce(sum(case when not is_before and not is_unknown then quantity_read - coalesce(quantity, 0.0) end), 0.0) as units_outlier,
    coalesce(sum(case when is_gap or is_unknown then quantity end), 0.0) as units_filled,
    coalesce(sum(quantity), 0.0) as units_in_panel
from period
group by unique_id
