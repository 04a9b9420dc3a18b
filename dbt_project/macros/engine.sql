{#- What differs by engine stands here, in times.sql and in lists.sql, and nowhere else. -#}

{#- Quotes a user's column name; `prefix` as in known__price. -#}
{% macro quoted(name, prefix='') %}{{ return(adapter.dispatch('quoted', 'salesfc')(name, prefix)) }}{% endmacro %}
{% macro default__quoted(name, prefix) %}{{ adapter.quote((prefix ~ name) | replace('"', '""')) }}{% endmacro %}

{#- A text as an SQL literal. -#}
{% macro literal(text) %}{{ return(adapter.dispatch('literal', 'salesfc')(text)) }}{% endmacro %}
{% macro default__literal(text) %}{{ "'" ~ (text | string | replace("'", "''")) ~ "'" }}{% endmacro %}

{#- A number that is finite, or NULL. -#}
{% macro to_number(expression) %}{{ return(adapter.dispatch('to_number', 'salesfc')(expression)) }}{% endmacro %}
{% macro default__to_number(expression) -%}
    try_cast({{ expression }} as double)
{%- endmacro %}

{% macro finite(expression) %}case when abs({{ expression }}) <= 1e15 then {{ expression }} end{% endmacro %}

{#- Linear-interpolated quantile, as an aggregate. -#}
{% macro quantile_of(expression, level) %}{{ return(adapter.dispatch('quantile_of', 'salesfc')(expression, level)) }}{% endmacro %}
{% macro default__quantile_of(expression, level) -%}quantile_cont({{ expression }}, {{ level }}){%- endmacro %}

{#- Several such quantiles of one expression, as a list: half the work of one by one. -#}
{% macro quantiles_of(expression, levels) %}{{ return(adapter.dispatch('quantiles_of', 'salesfc')(expression, levels)) }}{% endmacro %}
{% macro default__quantiles_of(expression, levels) -%}quantile_cont({{ expression }}, [{{ levels | join(', ') }}]){%- endmacro %}

{#- A number for the values of some columns of a small table, to join and sort tens of millions of rows by in place of
    text: two thirds of the time. -#}
{% macro number_of(columns) %}{{ return(adapter.dispatch('number_of', 'salesfc')(columns)) }}{% endmacro %}
{% macro default__number_of(columns) -%}cast(dense_rank() over (order by {{ columns | join(', ') }}) as integer){%- endmacro %}

{#- Whether no two rows of a group have the same day, as an aggregate that takes half a kilobyte a group. No may also
    mean that nobody knows: two days are taken for one if eleven years, 4096 days, lie between them. -#}
{% macro days_differ(day) %}{{ return(adapter.dispatch('days_differ', 'salesfc')(day)) }}{% endmacro %}
{% macro default__days_differ(day) -%}
    count(*) = bit_count(
        bitstring_agg(cast((date_diff('day', date '1900-01-01', {{ day }}) % 4096 + 4096) % 4096 as integer), 0, 4095)
    )
{%- endmacro %}

{#- Ends the query with one line. -#}
{% macro fail(message) %}{{ return(adapter.dispatch('fail', 'salesfc')(message)) }}{% endmacro %}
{% macro default__fail(message) -%}error({{ salesfc.literal('salesfc: ' ~ message) }}){%- endmacro %}

{#- Sets salesfc_memory_limit; nothing where it is empty. -#}
{% macro limit_memory() %}{{ return(adapter.dispatch('limit_memory', 'salesfc')()) }}{% endmacro %}
{% macro default__limit_memory() -%}
    {%- set limit = salesfc.setting('memory_limit') -%}
    {%- if limit %}set memory_limit = {{ salesfc.literal(limit) }}{% endif -%}
{%- endmacro %}

{#- What stands in the dbt_project.yml that is built; nothing while dbt parses, or where the engine cannot read it. -#}
{% macro project_file() %}{{ return(adapter.dispatch('project_file', 'salesfc')()) }}{% endmacro %}
{% macro default__project_file() %}
    {%- set path = invocation_args_dict.get('project_dir') -%}
    {%- if execute and path and run_query("select current_setting('enable_external_access')").rows[0][0] | string == 'True' -%}
        {%- set file = salesfc.literal(path ~ '/dbt_project.yml') -%}
        {%- for row in run_query('select content from read_text(' ~ file ~ ')').rows -%}
            {%- do return(fromyaml(row[0], {})) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- do return({}) -%}
{% endmacro %}

{#- Columns as one JSON text: {name: expression}. -#}
{% macro as_json(columns) %}{{ return(adapter.dispatch('as_json', 'salesfc')(columns)) }}{% endmacro %}
{% macro default__as_json(columns) -%}
    cast(json_object(
    {%- for name, expression in columns.items() -%}
        {{ salesfc.literal(name) }}, {{ expression }}{{ ', ' if not loop.last }}
    {%- endfor -%}
    ) as string)
{%- endmacro %}

{#- The last (or next) value in a named window that is not NULL. -#}
{% macro last_known(expression, window) %}{{ return(adapter.dispatch('last_known', 'salesfc')(expression, window)) }}{% endmacro %}
{% macro default__last_known(expression, window) -%}last_value({{ expression }} ignore nulls) over {{ window }}{%- endmacro %}

{% macro next_known(expression, window) %}{{ return(adapter.dispatch('next_known', 'salesfc')(expression, window)) }}{% endmacro %}
{% macro default__next_known(expression, window) -%}first_value({{ expression }} ignore nulls) over {{ window }}{%- endmacro %}

{#- Names of the tables and views of a schema. -#}
{% macro tables_of(schema) %}
    {%- do return(adapter.dispatch('tables_of', 'salesfc')(schema)) -%}
{% endmacro %}

{% macro default__tables_of(schema) %}
    {%- set relation = api.Relation.create(database=target.database, schema=schema) -%}
    {%- do return(dbt.list_relations_without_caching(relation).columns['name'].values()) -%}
{% endmacro %}
