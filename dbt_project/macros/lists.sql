{#- Lists: what differs by engine, Spark in lists_spark.sql. -#}

{#- The type of a list of something. -#}
{% macro list_of(type) %}{{ return(adapter.dispatch('list_of', 'salesfc')(type)) }}{% endmacro %}
{% macro default__list_of(type) -%}{{ type }}[]{%- endmacro %}

{#- The elements of lists of one length side by side, one row each, {name: list}: for the select
    list. -#}
{% macro unnested(columns) %}{{ return(adapter.dispatch('unnested', 'salesfc')(columns)) }}{% endmacro %}
{% macro default__unnested(columns) -%}
    {%- for name, list in columns.items() %}unnest({{ list }}) as {{ name }}{{ ', ' if not loop.last }}{% endfor -%}
{%- endmacro %}

{#- Values of a group as a list in the order of another column, and what is summed over such a list:
    in that order, so that two builds agree to the last digit. -#}
{% macro listed(expression, order, condition='') %}{{ return(adapter.dispatch('listed', 'salesfc')(expression, order, condition)) }}{% endmacro %}
{% macro default__listed(expression, order, condition) -%}
    list({{ expression }} order by {{ order }}){{ ' filter (where ' ~ condition ~ ')' if condition }}
{%- endmacro %}

{#- The item at a place of a list, the first at 1. -#}
{% macro item_of(list, place) %}{{ return(adapter.dispatch('item_of', 'salesfc')(list, place)) }}{% endmacro %}
{% macro default__item_of(list, place) -%}{{ list }}[{{ place }}]{%- endmacro %}

{#- A list of an expression of each `item` of a list, and of the items for which one is true. -#}
{% macro list_map(list, expression) %}{{ return(adapter.dispatch('list_map', 'salesfc')(list, expression)) }}{% endmacro %}
{% macro default__list_map(list, expression) -%}list_transform({{ list }}, lambda item: {{ expression }}){%- endmacro %}

{% macro list_where(list, condition) %}{{ return(adapter.dispatch('list_where', 'salesfc')(list, condition)) }}{% endmacro %}
{% macro default__list_where(list, condition) -%}list_filter({{ list }}, lambda item: {{ condition }}){%- endmacro %}

{% macro list_length(list) %}{{ return(adapter.dispatch('list_length', 'salesfc')(list)) }}{% endmacro %}
{% macro default__list_length(list) -%}len({{ list }}){%- endmacro %}

{% macro list_sum(list) %}{{ return(adapter.dispatch('list_sum', 'salesfc')(list)) }}{% endmacro %}
{% macro default__list_sum(list) -%}list_sum({{ list }}){%- endmacro %}

{% macro list_mean(list) %}{{ return(adapter.dispatch('list_mean', 'salesfc')(list)) }}{% endmacro %}
{% macro default__list_mean(list) -%}list_avg({{ list }}){%- endmacro %}

{#- Of a sample, NULL for fewer than two. -#}
{% macro list_deviation(list) %}{{ return(adapter.dispatch('list_deviation', 'salesfc')(list)) }}{% endmacro %}
{% macro default__list_deviation(list) -%}list_stddev_samp({{ list }}){%- endmacro %}
