{#- What a build made, as a small table at its end: how the series fared, how good the forecasts are, what it took, where
    things are, what to do next. Silent under --quiet, and where the build did not get so far. -#}
{% macro summary(results) %}
    {%- if not execute or flags.WHICH not in ['build', 'run'] -%}{%- do return('') -%}{%- endif -%}
    {%- set made = {} -%}
    {%- for result in results if result.status == 'success' and result.node.package_name == 'salesfc' -%}
        {%- do made.update({result.node.name: result.node.relation_name}) -%}
    {%- endfor -%}
    {%- set rows = [] -%}
    {%- if 'fct_salesfc__series_status' in made and 'fct_salesfc__forecast' in made -%}
        {%- do rows.append(('series', salesfc.summary_of_series(made['fct_salesfc__series_status']))) -%}
        {%- do rows.append(('forecasts', salesfc.summary_of_forecasts(made['fct_salesfc__forecast']))) -%}
    {%- endif -%}
    {%- if 'fct_salesfc__accuracy' in made -%}
        {%- do rows.append(('accuracy', salesfc.summary_of_accuracy(made['fct_salesfc__accuracy']))) -%}
    {%- endif -%}
    {%- if 'fct_salesfc__forecast' in made -%}
        {%- set now = modules.datetime.datetime.now(modules.pytz.utc) -%}
        {%- do rows.append(('seconds', '{:,.0f}'.format((now - run_started_at).total_seconds()))) -%}
        {%- do rows.append(('tables', (target.get('path') or target.name) ~ ', schema ' ~ target.schema)) -%}
        {%- do rows.append(('next', 'salesfc report, salesfc publish')) -%}
    {%- endif -%}
    {%- for name, text in rows if text -%}
        {%- do log('salesfc  %-10s %s' | format(name, text), info=true) -%}
    {%- endfor -%}
{% endmacro %}


{% macro summary_of_series(relation) %}
    {%- set counted = run_query('select status, count(*) from ' ~ relation ~ ' group by status order by 2 desc, 1') -%}
    {%- set statuses = [] -%}
    {%- for row in counted.rows -%}{%- do statuses.append('{:,} {}'.format(row[1] | int, row[0])) -%}{%- endfor -%}
    {%- set total = counted.rows | map(attribute=1) | map('int') | sum -%}
    {%- do return('{:,}: {}'.format(total, statuses | join(', ') or 'none')) -%}
{% endmacro %}


{% macro summary_of_forecasts(relation) %}
    {%- set span = run_query('select count(*), max(cutoff), max(ts) from ' ~ relation).rows[0] -%}
    {%- do return('{:,}, up to {}; sales read up to {}'.format(span[0] | int, span[2], span[1])) -%}
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
    {%- set text = 'off by {:.1f} % of the units sold on held-out periods'.format(100 * ours) -%}
    {%- if naive -%}
        {%- set text = text ~ ', seasonal naive by {:.1f} %: {:.0f} % {}'.format(
            100 * naive, ((1 - ours / naive) * 100) | abs, 'better' if ours <= naive else 'worse'
        ) -%}
    {%- endif -%}
    {%- do return(text) -%}
{% endmacro %}
