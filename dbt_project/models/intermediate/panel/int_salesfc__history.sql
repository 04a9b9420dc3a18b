{#- Every period of every series, from its first to the end of the horizon: gaps filled, outliers
    dealt with. A table: joined once more within one query, tens of millions of rows ran out of
    memory. Where a gap is filled from both sides, a month hangs on later ones, and all is made anew. -#}
{{ config(**salesfc.by_month()) }}
{%- set gaps, missing = salesfc.setting('gaps'), salesfc.setting('missing') -%}
{%- set outliers = salesfc.setting('outliers') -%}
{%- set fills = gaps in ['interpolate', 'forward'] or missing in ['interpolate', 'forward'] -%}
{%- set changed = {'months': none} -%}
{%- if not fills -%}
    {%- set changed = salesfc.changed_months({
        'quantity': ref('int_salesfc__period_quantity'),
        'outlier': ref('int_salesfc__outlier'),
        'span': '(select unique_id, first_ts as ts from ' ~ ref('int_salesfc__series_span') ~ ')',
        'cutoff': '(select cutoff as ts, last_ts from ' ~ ref('int_salesfc__cutoff') ~ ')',
    }, and_later=true) -%}
{%- endif %}

{{ salesfc.noted(changed) }}
with ruled as (

    select
        grid.unique_id,
        grid.ts,
        grid.ts <= cutoff.cutoff as is_past,
        grid.is_gap,
        grid.is_unknown,
        grid.units_imputed,
        outlier.unique_id is not null as is_outlier,
        case
            when grid.ts > cutoff.cutoff then null
            when grid.is_gap then {{ '0.0' if gaps == 'zero' else 'null' }}
            {%- if outliers == 'drop' %}
            when outlier.unique_id is not null then null
            {%- elif outliers == 'cap' %}
            when outlier.unique_id is not null
                then least(greatest(grid.quantity, outlier.lower_fence), outlier.upper_fence)
            {%- endif %}
            else grid.quantity
        end as quantity,
        grid.quantity as quantity_read,
        grid.price,
        case when grid.ts <= cutoff.cutoff then grid.revenue end as revenue
    from {{ ref('int_salesfc__grid') }} as grid
    cross join {{ ref('int_salesfc__cutoff') }} as cutoff
    left join {{ ref('int_salesfc__outlier') }} as outlier
        on grid.unique_id = outlier.unique_id and grid.ts = outlier.ts
    where {{ salesfc.is_changed('grid.ts', changed) }}

)
{%- if fills %},

neighbours as (

    select
        *,
        {{ salesfc.last_known('quantity', 'before') }} as last_quantity,
        {{ salesfc.last_known('case when quantity is not null then ts end', 'before') }} as last_known_ts,
        {{ salesfc.next_known('quantity', 'after') }} as next_quantity,
        {{ salesfc.next_known('case when quantity is not null then ts end', 'after') }} as next_known_ts
    from ruled
    window
        before as (partition by unique_id order by ts rows between unbounded preceding and current row),
        after as (partition by unique_id order by ts rows between current row and unbounded following)

)
{%- endif %}

select
    unique_id,
    ts,
    is_past,
    is_gap,
    is_unknown,
    units_imputed,
    is_outlier,
    quantity_read,
    price,
    revenue,
    {%- if fills %}
    {{ salesfc.filled(gaps, missing) }} as quantity,
    {%- set is_interpolated = salesfc.is_interpolated(gaps, missing) %}
    case when {{ is_interpolated }} then last_quantity end as quantity_before,
    case when {{ is_interpolated }} then next_known_ts end as known_from
from neighbours
    {%- else %}
    quantity
from ruled
    {%- endif %}
