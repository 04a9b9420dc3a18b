{#- What kind of column a raw one is, by the type that the engine tells. -#}

{% macro is_text(type) %}{{ return(type.startswith(('varchar', 'string', 'text'))) }}{% endmacro %}

{#- A type such as decimal(9,2); a list of numbers is none. -#}
{% macro is_numeric(type) %}
    {%- do return(not type.endswith((']', '>')) and type.startswith((
        'tinyint', 'smallint', 'int', 'bigint', 'hugeint', 'uint', 'utiny', 'usmall', 'ubig', 'uhuge', 'float', 'real',
        'double', 'decimal', 'numeric'
    ))) -%}
{% endmacro %}

{#- Those of some columns of a raw table that are text. -#}
{% macro text_columns(table, columns) %}
    {%- set found = [] -%}
    {%- for column in columns if salesfc.is_text(salesfc.raw_type(table, column, salesfc.feature_setting(table))) -%}
        {%- do found.append(column) -%}
    {%- endfor -%}
    {%- do return(found) -%}
{% endmacro %}

{#- How a static attribute goes to the network: numbers and dates (in years) as numbers, lists of
    numbers as they are, the rest as text. -#}
{% macro to_attribute(expression, type) -%}
    {%- if type.endswith((']', '>')) -%}
        try_cast({{ expression }} as {{ salesfc.list_of('float') }})
    {%- elif type in ['boolean', 'bool'] -%}
        cast(cast({{ expression }} as integer) as double)
    {%- elif type == 'date' or type.startswith('timestamp') -%}
        {{ salesfc.days_between("date '1970-01-01'", 'cast(' ~ expression ~ ' as date)') }} / cast(365.25 as double)
    {%- elif salesfc.is_numeric(type) -%}
        {{ salesfc.finite(salesfc.to_number(expression)) }}
    {%- else -%}
        nullif(trim(cast({{ expression }} as string)), '')
    {%- endif -%}
{%- endmacro %}
