{#- Metrics over series: sums within a series, then over series; a series without a scale drops out
    of the scaled ones. Formulas as in fev and M5: mase and the scaled quantile loss by the mean
    absolute difference at the season's lag, rmsse by the squared one at lag 1. -#}
{% macro metrics() %}
    {%- set metrics = {
        'mse': 'sum(squared_error) / sum(n)',
        'mae': 'sum(absolute_error) / sum(n)',
        'wape': 'sum(absolute_error) / nullif(sum(absolute_quantity), 0)',
        'bias': 'sum(error) / nullif(sum(quantity), 0)',
        'smape': 'sum(symmetric_error) / sum(n)',
        'mase': 'sum(absolute_error / absolute_scale) / sum(case when absolute_scale is not null then n end)',
        'rmsse': 'avg(sqrt(squared_error / n / squared_scale))',
        'scaled_quantile_loss': 'sum(quantile_loss / absolute_scale) / sum(case when absolute_scale is not null then n end)',
        'coverage': 'sum(n_covered) / sum(n)',
    } -%}
    {%- for name in salesfc.intervals() -%}
        {%- do metrics.update({'coverage_' ~ name: 'sum(n_covered_' ~ name ~ ') / sum(n)'}) -%}
    {%- endfor -%}
    {%- do return(metrics) -%}
{% endmacro %}

{#- The columns of sums of int_salesfc__backtest_error. -#}
{% macro summed_columns() %}
    {%- set names = ['n', 'quantity', 'absolute_quantity', 'error', 'absolute_error', 'squared_error',
        'symmetric_error', 'quantile_loss', 'n_covered'] -%}
    {%- for name in salesfc.intervals() -%}{%- do names.append('n_covered_' ~ name) -%}{%- endfor -%}
    {%- do return(names) -%}
{% endmacro %}

{#- Sums of errors of the point forecast, over the rows of a relation with quantity and forecast. -#}
{% macro error_sums(relation) -%}
    {%- set error, actual = relation ~ '.forecast - ' ~ relation ~ '.quantity', relation ~ '.quantity' -%}
    sum({{ actual }}) as quantity,
    sum(abs({{ actual }})) as absolute_quantity,
    sum({{ error }}) as error,
    sum(abs({{ error }})) as absolute_error,
    sum(power({{ error }}, 2)) as squared_error,
    sum(coalesce(2 * abs({{ error }}) / nullif(abs({{ relation }}.forecast) + abs({{ actual }}), 0), 0))
        as symmetric_error
{%- endmacro %}

{#- The central intervals that the forecast quantiles make, by their percentage, and the places of
    their ends in the list of quantiles: {'80': [3, 11]}. -#}
{% macro intervals() %}
    {%- set tail = ((1 - salesfc.setting('confidence_level')) / 2) | round(6) -%}
    {%- set levels = [0.5, tail, (1 - tail) | round(6)] -%}
    {%- for level in salesfc.setting('quantiles') -%}{%- do levels.append(level | round(6)) -%}{%- endfor -%}
    {%- set levels = levels | unique | sort -%}
    {%- set found = {} -%}
    {%- for level in levels if level < 0.5 and (1 - level) | round(6) in levels -%}
        {%- set name = '%g' | format((100 - 200 * level) | round(4)) | replace('.', '_') -%}
        {%- do found.update({name: [loop.index, levels.index((1 - level) | round(6)) + 1]}) -%}
    {%- endfor -%}
    {%- do return(found) -%}
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
