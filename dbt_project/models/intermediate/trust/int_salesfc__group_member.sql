{#- Which series are in which group at each level that totals are made of: all of them, and the
    levels of the hierarchy. A series without a value has the group ''. -#}
{{ config(tags=['salesfc_predict']) }}

{%- for level in salesfc.accuracy_levels() if level['name'] != 'series' %}
{{ 'union all' if not loop.first }}
select
    {{ salesfc.literal(level['name']) }} as level,
    {{ level['group_id'] }} as group_id,
    series.unique_id
from {{ ref('dim_salesfc__series') }} as series
{%- endfor %}
