{#- Held-out periods beside what would have been published for them then (or, where that is not
    kept, what the network said): what sample paths learn from. -#}
{%- set networks = salesfc.settings_table()['network']['choices'] | join("', '") -%}

with kept as (

    select
        unique_id,
        cutoff,
        ts,
        method,
        levels,
        forecast,
        quantiles,
        method = 'published' as is_published,
        max(case when method = 'published' then 1 else 0 end) over (partition by cutoff)
            as has_published
    from {{ ref('int_salesfc__backtest_prediction') }}
    where method = 'published' or method in ('{{ networks }}')

)

select
    kept.unique_id,
    kept.cutoff,
    kept.ts,
    series.demand_class,
    series.has_whole_units,
    case when observations.mask then observations.quantity end as quantity,
    kept.forecast,
    kept.levels,
    kept.quantiles
from kept
inner join {{ ref('int_salesfc__series') }} as series on kept.unique_id = series.unique_id
left join {{ salesfc.held_out(['quantity', 'mask']) }} as observations
    on kept.unique_id = observations.unique_id and kept.ts = observations.ts
where kept.is_published or kept.has_published = 0
