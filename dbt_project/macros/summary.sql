{#- What a build made, in three lines at its end: how the series fared, how good the forecasts are, what to do next.
    Silent under --quiet, and where the build did not get so far. -#}
{% macro summary(results) %}
    {%- if not execute or flags.WHICH not in ['build', 'run'] -%}{%- do return('') -%}{%- endif -%}
    {%- set made = {} -%}
    {%- for result in results if result.status == 'success' and result.node.package_name == 'salesfc' -%}
        {%- do made.update({result.node.name: result.node.relation_name}) -%}
    {%- endfor -%}
    {%- if 'fct_salesfc__series_status' in made and 'fct_salesfc__forecast' in made -%}
        {%- do log('salesfc: ' ~ salesfc.summary_of_series(made), info=true) -%}
    {%- endif -%}
    {%- if 'fct_salesfc__accuracy' in made -%}
        {%- set told = salesfc.summary_of_accuracy(made['fct_salesfc__accuracy']) -%}
        {%- if told -%}{%- do log('salesfc: ' ~ told, info=true) -%}{%- endif -%}
    {%- endif -%}
    {%- if 'fct_salesfc__forecast' in made -%}
        {%- do log('salesfc: next: salesfc summary, salesfc report, salesfc publish', info=true) -%}
    {%- endif -%}
{% endmacro %}


{% macro summary_of_series(made) %}
    {%- set counted = run_query(
        'select status, count(*) from ' ~ made['fct_salesfc__series_status'] ~ ' group by status order by 2 desc, 1'
    ) -%}
    {%- set statuses = [] -%}
    {%- for row in counted.rows -%}{%- do statuses.append('{:,} {}'.format(row[1] | int, row[0])) -%}{%- endfor -%}
    {%- set total = counted.rows | map(attribute=1) | map('int') | sum -%}
    {%- set span = run_query('select count(*), max(cutoff), max(ts) from ' ~ made['fct_salesfc__forecast']).rows[0] -%}
    {%- do return('{:,} series ({}); {:,} forecasts; sales read up to {}, forecast up to {}'.format(
        total, statuses | join(', ') or 'none', span[0] | int, span[1], span[2]
    )) -%}
{% endmacro %}


{% macro summary_of_accuracy(relation) %}
    {%- set found = {} -%}
    {%- for row in run_query(
        "select method, metric_value from " ~ relation ~ " where level = 'all' and metric_name = 'wape'"
    ).rows -%}
        {%- do found.update({row[0]: row[1] | float}) -%}
    {%- endfor -%}
    {%- if 'published' not in found -%}{%- do return('') -%}{%- endif -%}
    {%- set ours, naive = found['published'], found.get('seasonal_naive') -%}
    {%- set text = 'on periods held out, error as a share of sales (WAPE) {:.3f}'.format(ours) -%}
    {%- if naive -%}
        {%- set text = text ~ ', seasonal naive {:.3f}: {:.0f} % {}'.format(
            naive, ((1 - ours / naive) * 100) | abs, 'better' if ours <= naive else 'worse'
        ) -%}
    {%- endif -%}
    {%- do return(text) -%}
{% endmacro %}
