{#- One quantity for each period with rows, by the rules for returns and missing quantities. A view
    where nothing is looked up in other rows: to read sums once more costs less than to write them. -#}
{%- set missing, returns = salesfc.setting('missing'), salesfc.setting('returns') -%}
{%- set net = 'units_sold' if returns == 'drop' else 'units_sold + units_returned' -%}
{#- A usual row is that of the periods so far: a later one changes nothing of before. -#}
{%- set usual = {
    'mean': 'sum(case when rows_counted > 0 then units end) over past / nullif(sum(rows_counted) over past, 0)',
    'median': salesfc.quantile_of('units / nullif(rows_counted, 0)', 0.5) ~ ' over past',
} %}
{{ config(materialized='table' if missing in usual else 'view') }}

with period_sales as (

    select
        *,
        {{ net }} as units
    from {{ ref('int_salesfc__period_sales') }}
    {%- if missing == 'drop' %}
    where rows_counted > 0
    {%- else %}
    where rows_counted > 0 or rows_missing > 0
    {%- endif %}

),

completed as (

    select
        *,
        {%- if missing in usual %}
        rows_missing * greatest(coalesce({{ usual[missing] }}, 0.0), 0.0) as units_imputed
    from period_sales
    window past as (
        partition by unique_id order by ts rows between unbounded preceding and current row
    )
        {%- else %}
        0.0 as units_imputed
    from period_sales
        {%- endif %}

)

select
    unique_id,
    ts,
    units,
    units_imputed,
    {%- if missing in ['mask', 'interpolate', 'forward'] %}
    rows_missing > 0 as is_unknown,
    case when rows_missing = 0 then greatest(units, 0.0) end as quantity
    {%- else %}
    false as is_unknown,
    greatest(units + units_imputed, 0.0) as quantity
    {%- endif %},
    revenue,
    price
from completed
