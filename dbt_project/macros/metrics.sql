{#- Metrics over series: sums within a series, then over series; a series without a scale drops out
    of the scaled ones. Formulas as in fev and M5: mase and the scaled quantile loss by the mean
    absolute difference at the season's lag, rmsse by the squared one at lag 1. -#}
{% macro metrics() %}
    {%- do return({
        'mse': 'sum(squared_error) / sum(n)',
        'mae': 'sum(absolute_error) / sum(n)',
        'wape': 'sum(absolute_error) / nullif(sum(absolute_quantity), 0)',
        'bias': 'sum(error) / nullif(sum(quantity), 0)',
        'smape': 'sum(symmetric_error) / sum(n)',
        'mase': 'sum(absolute_error / absolute_scale) / sum(case when absolute_scale is not null then n end)',
        'rmsse': 'avg(sqrt(squared_error / n / squared_scale))',
        'scaled_quantile_loss': 'sum(quantile_loss / absolute_scale) / sum(case when absolute_scale is not null then n end)',
        'coverage': 'sum(n_covered) / sum(n)',
    }) -%}
{% endmacro %}

{#- Mean over levels of twice the pinball loss (Koenker and Bassett, Econometrica 46, 1978), of one
    row. -#}
{% macro quantile_loss(actual, levels, quantiles) %}{{ return(adapter.dispatch('quantile_loss', 'salesfc')(actual, levels, quantiles)) }}{% endmacro %}
{% macro default__quantile_loss(actual, levels, quantiles) -%}
    list_avg(list_transform(
        list_zip({{ levels }}, {{ quantiles }}),
        lambda pair: 2 * abs(({{ actual }} - pair[2]) * (cast({{ actual }} <= pair[2] as integer) - pair[1]))
    ))
{%- endmacro %}

{#- The levels that accuracy is told at: all, each series, and each level of the hierarchy. -#}
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
