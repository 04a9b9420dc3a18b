{#- How a table of by_month.sql is written, and where it keeps what it was made of. -#}

{#- The config of such a model. Spark makes it whole. -#}
{% macro by_month() %}{{ return(adapter.dispatch('by_month', 'salesfc')()) }}{% endmacro %}
{% macro default__by_month() %}
    {%- do return({
        'materialized': 'by_month', 'post_hook': '{{ salesfc.keep_what_it_is_made_of(compiled_code) }}'
    }) -%}
{% endmacro %}
{% macro spark__by_month() %}{{ return({'materialized': 'table'}) }}{% endmacro %}

{#- What this model's table was made of, by its comment; nothing where there is none, or another. -#}
{% macro made_of_before() %}
    {%- set found = run_query(
        'select comment from duckdb_tables() where database_name = ' ~ salesfc.literal(this.database)
        ~ ' and schema_name = ' ~ salesfc.literal(this.schema) ~ ' and table_name = ' ~ salesfc.literal(this.identifier)
    ).rows -%}
    {%- set told = fromjson(found[0][0] or '', {}) if found else {} -%}
    {%- do return(told if told is mapping else {}) -%}
{% endmacro %}

{#- What `changed_months` found, as a comment in the SQL of a model, and read from there. -#}
{% macro noted(changed) -%}
    {%- if changed.made_of -%}/* salesfc_by_month {{ tojson(changed) }} */{%- endif -%}
{%- endmacro %}

{% macro read_note(code) %}
    {%- for found in modules.re.findall('salesfc_by_month (.*?) [*]/', code or '') -%}
        {%- do return(fromjson(found)) -%}
    {%- endfor -%}
    {%- do return({'months': none, 'made_of': {}}) -%}
{% endmacro %}

{#- A hook that writes into the table's comment what it is made of. -#}
{% macro keep_what_it_is_made_of(code) -%}
    {%- set made_of = salesfc.read_note(code).made_of -%}
    {%- if made_of -%}comment on table {{ this }} is {{ salesfc.literal(tojson(made_of)) }}{%- endif -%}
{%- endmacro %}

{% materialization by_month, adapter='duckdb' %}
    {%- set changed = salesfc.read_note(compiled_code) -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- if changed.months is none -%}
        {%- do return(materialization_table_duckdb()) -%}
    {%- endif -%}
    {%- if existing is none or not existing.is_table -%}
        {%- do exceptions.raise_compiler_error(
            'salesfc: ' ~ this ~ ' was there when its months were compared and is no table now; another build may '
            ~ 'have replaced it. Build again.'
        ) -%}
    {%- endif -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% do adapter.ensure_transaction() %}
    {% call statement('delete') -%}
        delete from {{ existing }} where {{ salesfc.is_changed('ts', changed) }}
    {%- endcall %}
    {% call statement('main') -%}
        insert into {{ existing }} by name
        {{ compiled_code }}
    {%- endcall %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do persist_docs(existing, model) %}
    {{ adapter.commit() }}
    {{ run_hooks(post_hooks, inside_transaction=False) }}

    {{ return({'relations': [existing]}) }}
{% endmaterialization %}
