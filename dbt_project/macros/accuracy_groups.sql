{#- What accuracy is told of: parts of the horizon, and levels of series. -#}

{#- Which part of the horizon a period is in, by how far ahead it is: '1-7', '8-14', '15-28', and
    the rest. -#}
{% macro horizon_bucket(periods_ahead) %}
    {%- set ends = {'day': [7, 14, 28], 'week': [4, 13, 26], 'month': [3, 6, 12]}[salesfc.setting('frequency')] -%}
    {%- set horizon = salesfc.setting('horizon') -%}
    {%- set start = namespace(at=1) -%}
    case
    {%- for end in ends if start.at <= horizon %}
        when {{ periods_ahead }} <= {{ end }} then '{{ start.at }}-{{ [end, horizon] | min }}'
        {%- set start.at = end + 1 -%}
    {%- endfor %}
        else '{{ [start.at, horizon] | min }}-{{ horizon }}'
    end
{%- endmacro %}

{#- The levels of series: all, each by itself, and each level of the hierarchy. -#}
{% macro accuracy_levels() %}
    {%- set levels = [
        {'name': 'all', 'group_id': "'all'", 'columns': []},
        {'name': 'series', 'group_id': 'error.unique_id', 'columns': []},
    ] -%}
    {%- for columns in salesfc.setting('hierarchy') -%}
        {%- set parts = [] -%}
        {%- for column in columns -%}
            {%- do parts.append("coalesce(" ~ salesfc.escaped('series.' ~ salesfc.quoted(column)) ~ ", '')") -%}
        {%- endfor -%}
        {%- do levels.append({'name': columns | join('/'), 'group_id': parts | join(" || '/' || "), 'columns': columns}) -%}
    {%- endfor -%}
    {%- do return(levels) -%}
{% endmacro %}
