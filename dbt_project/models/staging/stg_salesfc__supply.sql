{#- How each series is supplied, from the series table: lead times, costs, packs, supplier. -#}
{%- set is_on = salesfc.setting('series_identifier') != '' and salesfc.has_supply() %}
{%- set supplier = salesfc.setting('supplier_column') %}
{%- if is_on and supplier -%}
{%- do salesfc.raw_type('series', supplier, 'supplier_column') -%}
{%- endif %}
select
    {{- salesfc.key_columns('series') if is_on }}
    {%- for name in salesfc.supply_numbers() %}
    {%- set column = salesfc.setting(name ~ '_column') %}
    {%- if is_on and column %}
    {%- do salesfc.raw_type('series', column, name ~ '_column') %}
    {{ salesfc.finite(salesfc.to_number(salesfc.quoted(column))) }} as {{ name }},
    {%- else %}
    cast(null as double) as {{ name }},
    {%- endif %}
    {%- endfor %}
    {%- if is_on and supplier %}
    nullif(trim(cast({{ salesfc.quoted(supplier) }} as string)), '') as supplier
    {%- else %}
    cast(null as string) as supplier
    {%- endif %}
{%- if is_on %}
from {{ source('salesfc', 'series') }}
{%- else %}
where false
{%- endif %}
