{#- How series are supplied: names of the numbers, each of them a var `salesfc_<name>_column`. -#}
{% macro supply_numbers() %}
    {%- do return([
        'lead_time', 'lead_time_deviation', 'unit_cost', 'holding_cost', 'shortage_cost', 'pack_size', 'minimum_order',
    ]) -%}
{% endmacro %}

{#- Whether the series table says anything about supply. -#}
{% macro has_supply() %}
    {%- for name in salesfc.supply_numbers() + ['supplier'] if salesfc.setting(name ~ '_column') -%}
        {%- do return(true) -%}
    {%- endfor -%}
    {%- do return(false) -%}
{% endmacro %}

{#- Columns of supply stand in the series table; a critical ratio takes both costs. -#}
{% macro check_supply() %}
    {%- for name in salesfc.supply_numbers() + ['supplier', 'successor'] -%}
        {%- set column = salesfc.setting(name ~ '_column') -%}
        {%- if column and not salesfc.setting('series_identifier') -%}
            {%- do exceptions.raise_compiler_error(
                'salesfc_' ~ name ~ "_column: '" ~ column ~ "' has no table; salesfc_series_identifier must name it."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set place = salesfc.setting('location_key') -%}
    {%- if place and place | lower not in salesfc.setting('series_keys') | map('lower') -%}
        {%- do salesfc.refuse('location_key', salesfc.settings_table()['location_key'], place) -%}
    {%- endif -%}
    {%- set category = salesfc.setting('category_column') -%}
    {%- set attributes = salesfc.setting('static_columns') + salesfc.setting('series_keys') -%}
    {%- if category and category | lower not in attributes | map('lower') -%}
        {%- do salesfc.refuse('category_column', salesfc.settings_table()['category_column'], category) -%}
    {%- endif -%}
    {%- for name, other in [('holding_cost', 'shortage_cost'), ('shortage_cost', 'holding_cost')] -%}
        {%- if salesfc.setting(name ~ '_column') and not salesfc.setting(other ~ '_column') -%}
            {%- do exceptions.raise_compiler_error(
                'salesfc_' ~ name ~ '_column needs salesfc_' ~ other ~ '_column beside it: the service level follows from both costs.'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{#- A number of supply that is not negative (or above a least one), or NULL. -#}
{% macro valid_supply(name, least=0) -%}
    case when supply.{{ name }} >= {{ least }} then supply.{{ name }} end
{%- endmacro %}

{#- What is wrong with a number of supply, as one line, or NULL. -#}
{% macro supply_fault(name, least, instead) -%}
    case
        when supply.{{ name }} < {{ least }}
            then '{{ name }} ' || cast(supply.{{ name }} as string) || ' is not valid: {{ instead }}'
    end
{%- endmacro %}

{#- The place of a series, and what it sells whatever the place (its other keys), as text. -#}
{% macro location(alias) -%}
    {%- set keys, place = salesfc.setting('series_keys') | map('lower') | list, salesfc.setting('location_key') | lower -%}
    {{ alias ~ '.key_' ~ (keys.index(place) + 1) if place else 'cast(null as string)' }}
{%- endmacro %}
{% macro product(alias) -%}
    {%- set place, parts = salesfc.setting('location_key') | lower, [] -%}
    {%- for key in salesfc.setting('series_keys') if key | lower != place -%}
        {%- do parts.append(salesfc.escaped(alias ~ '.key_' ~ (salesfc.setting('series_keys').index(key) + 1))) -%}
    {%- endfor -%}
    {{ parts | join(" || '/' || ") or "'total'" }}
{%- endmacro %}
