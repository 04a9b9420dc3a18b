{#- One quantity for each period with rows, by the rules for returns and missing quantities. `fill`:
    why a quantity is not known. -#}
{%- set missing, returns = salesfc.setting('missing'), salesfc.setting('returns') -%}
{%- set net = 'units_sold' if returns == 'drop' else 'units_sold + units_returned' -%}

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
{%- if missing in ['mean', 'median'] %}

typical_row as (

    select
        unique_id,
        {%- if missing == 'mean' %}
        sum(units) / nullif(sum(rows_counted), 0) as quantity
        {%- else %}
        {{ salesfc.quantile_of('units / rows_counted', 0.5) }} as quantity
        {%- endif %}
    from period_sales
    where rows_counted > 0
    group by unique_id

),
{%- endif %}

completed as (

    select
        period_sales.*,
        {%- if missing in ['mean', 'median'] %}
        period_sales.rows_missing * greatest(coalesce(typical_row.quantity, 0.0), 0.0) as units_imputed
    from period_sales
    left join typical_row on period_sales.unique_id = typical_row.unique_id
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
    {%- endif %}
from completed
