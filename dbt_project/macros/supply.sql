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
    {%- for name in salesfc.supply_numbers() + ['supplier'] -%}
        {%- set column = salesfc.setting(name ~ '_column') -%}
        {%- if column and not salesfc.setting('series_identifier') -%}
            {%- do exceptions.raise_compiler_error(
                'salesfc_' ~ name ~ "_column: '" ~ column ~ "' has no table; salesfc_series_identifier must name it."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
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
            then '{{ name }} ' || cast(supply.{{ name }} as varchar) || ' is not valid: {{ instead }}'
    end
{%- endmacro %}
