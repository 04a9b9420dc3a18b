{#- Which series belong to which group of each level that demand is planned at: all, and each level
    of the hierarchy. -#}
{%- for level in salesfc.accuracy_levels() if level['name'] != 'series' %}
{{ 'union all' if not loop.first }}
select
    {{ salesfc.literal(level['name']) }} as level,
    {{ level['group_id'] }} as group_id,
    series.unique_id
from {{ ref('dim_salesfc__series') }} as series
{%- endfor %}
