{#- Why rows are rejected, in the same words for every table. -#}

{#- Whether a raw value says nothing. Only of numbers and times NULL is all there is to see: to write
    each of them as text costs more than all else that is done to a row. -#}
{% macro is_empty(expression, type) -%}
    {%- if salesfc.is_numeric(type) or type.startswith(('date', 'timestamp')) -%}
        {{ expression }} is null
    {%- else -%}
        nullif(trim(cast({{ expression }} as string)), '') is null
    {%- endif -%}
{%- endmacro %}

{#- A time, NULL outside of the years in which anything is sold. -#}
{% macro believed_time(expression) -%}
    case when year({{ expression }}) between 1900 and 2200 then {{ expression }} end
{%- endmacro %}

{#- The branches of a CASE that say what is wrong with a time. -#}
{% macro time_reasons(is_empty, time) -%}
    when {{ is_empty }} then 'the time is empty'
        when {{ time }} is null then 'the time cannot be read'
        when coalesce(year({{ time }}), 0) not between 1900 and 2200
            then 'the time is not between 1900 and 2200'
{%- endmacro %}

{#- Why a row of a table beside the sales is left out, or one of its numbers is; NULL if nothing is. -#}
{% macro reject_reason(table, columns) %}
    {%- set time_column, keys = salesfc.setting('time_column'), salesfc.setting('series_keys') -%}
    {%- set type, time_value = salesfc.raw_type(table, time_column, 'time_column'), salesfc.quoted(time_column) %}
    case
        {%- for position in salesfc.key_positions(table) %}
        when {{ salesfc.quoted(keys[position - 1]) }} is null then 'a series key is empty'
        {%- endfor %}
        {{ salesfc.time_reasons(salesfc.is_empty(time_value, type), salesfc.to_time(time_value, type)) }}
        {%- for column in columns %}
        {%- set value = salesfc.quoted(column) %}
        {%- if table == 'stock' %}
        when {{ value }} is null then 'the stock on hand is empty'
        when {{ salesfc.finite(salesfc.to_number(value)) }} is null then 'the stock on hand is not a finite number'
        {%- else %}
        when not ({{ salesfc.is_empty(value, salesfc.raw_type(table, column, salesfc.feature_setting(table))) }})
            and {{ salesfc.to_feature(table, column) }} is null
            then {{ salesfc.literal(column ~ ' is not a finite number and is left unknown') }}
        {%- endif %}
        {%- endfor %}
    end
{%- endmacro %}

{#- unique_id from key_1 .. key_n of a staged table that has every key; NULL for one that is shared. -#}
{% macro joined_keys(table) -%}
    {%- set positions = salesfc.key_positions(table) -%}
    {%- if positions | length == salesfc.setting('series_keys') | length and positions -%}
        {%- for position in positions -%}
            {{ salesfc.escaped('staged.key_' ~ position) }}{{ " || '/' || " if not loop.last }}
        {%- endfor -%}
    {%- else -%}
        cast(null as string)
    {%- endif -%}
{%- endmacro %}

{#- What a rejected row of a staged table shows of itself. -#}
{% macro rejected_columns(table) %}
    {%- set columns = {} -%}
    {%- for position in salesfc.key_positions(table) -%}
        {%- do columns.update({salesfc.setting('series_keys')[position - 1]: 'staged.key_' ~ position}) -%}
    {%- endfor -%}
    {%- do columns.update({salesfc.setting('time_column'): 'staged.time_text'}) -%}
    {%- if table == 'stock' -%}{%- do columns.update({'on_hand': 'staged.on_hand_text'}) -%}{%- endif -%}
    {%- do return(columns) -%}
{% endmacro %}
