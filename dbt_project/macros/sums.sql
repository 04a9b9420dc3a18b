{#- Sums of a group of rows, written so that a group of one row needs no sum: groups by the tens of
    millions are a hash table of many gigabytes. -#}

{#- The sum of an expression over the rows on which a condition holds; NULL if there are none. A sum
    begins at 0, so that none is -0.0. -#}
{% macro sum_of(expression, condition, is_alone) -%}
    {%- set counted = 'case when ' ~ condition ~ ' then ' ~ expression ~ ' end' if condition else expression -%}
    {{ '(' ~ counted ~ ' + 0)' if is_alone else 'sum(' ~ counted ~ ')' }}
{%- endmacro %}

{#- How many of the rows a condition holds on. -#}
{% macro count_of(condition, is_alone) -%}
    {%- set counted = 'case when ' ~ condition ~ ' then 1 else 0 end' -%}
    {{ 'cast(' ~ (counted if is_alone else 'sum(' ~ counted ~ ')') ~ ' as bigint)' }}
{%- endmacro %}
