{#- Key and attribute columns carry the user's names, unless one of ours has it. -#}
{%- set ours = ['unique_id', 'first_sale_ts', 'last_sale_ts', 'demand_class'] -%}
{%- set is_on = salesfc.setting('series_identifier') != '' -%}
{%- set columns = salesfc.setting('static_columns') if is_on else [] -%}
{%- set keys = salesfc.setting('series_keys') -%}

select
    series_key.unique_id,
    {%- for key in keys %}
    series_key.value_{{ loop.index }} as {{ salesfc.quoted(key, 'key_' if key | lower in ours else '') }},
    {%- endfor %}
    {%- for column in columns if column | lower not in keys | map('lower') %}
    attribute.{{ salesfc.quoted(column, 'static__') }}
        as {{ salesfc.quoted(column, 'static_' if column | lower in ours else '') }},
    {%- endfor %}
    demand.first_sale_ts,
    demand.last_sale_ts,
    coalesce(demand.demand_class, 'dead') as demand_class
from {{ ref('int_salesfc__series_key') }} as series_key
inner join {{ ref('int_salesfc__attribute') }} as attribute
    on series_key.unique_id = attribute.unique_id
left join {{ ref('int_salesfc__demand') }} as demand
    on series_key.unique_id = demand.unique_id
