{#- What became of the units of each period that has rows, and of those that were filled; sums by
    series. -#}
with period as (

    select
        coalesce(sales.unique_id, panel.unique_id) as unique_id,
        sales.units,
        sales.units_imputed,
        sales.units + sales.units_imputed as units_known,
        sales.quantity as quantity_read,
        panel.quantity,
        case
            when sales.unique_id is null then 'gap'
            when panel.unique_id is null then 'before'
            when sales.is_unknown then 'unknown'
            else 'counted'
        end as state
    from {{ ref('int_salesfc__period_quantity') }} as sales
    full outer join {{ ref('int_salesfc__observations') }} as panel
        on sales.unique_id = panel.unique_id and sales.ts = panel.ts

)

select
    unique_id,
    coalesce(sum(case when state = 'counted' and units_known < 0 then units_known end), 0.0)
        as units_clipped,
    coalesce(sum(case when state = 'before' then units_known end), 0.0) as units_before_first_sale,
    coalesce(sum(case when state = 'unknown' then units end), 0.0) as units_unknown,
    coalesce(sum(units_imputed), 0.0) as units_imputed,
    coalesce(sum(
        case when state = 'counted' then quantity_read - coalesce(quantity, 0.0) end
    ), 0.0) as units_outlier,
    coalesce(sum(case when state in ('gap', 'unknown') then quantity end), 0.0) as units_filled,
    coalesce(sum(quantity), 0.0) as units_in_panel
from period
group by unique_id
