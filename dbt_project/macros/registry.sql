{#- The registry as earlier builds left it; none at the first, and none at a full refresh, which begins
    anew. It is looked up, not referred to: what is trained goes into it. -#}
{% macro earlier_registry() %}
    {%- if not execute or flags.FULL_REFRESH -%}{%- do return(none) -%}{%- endif -%}
    {%- set node = graph.nodes['model.salesfc.salesfc__model_registry'] -%}
    {%- do return(adapter.get_relation(node.database, node.schema, node.alias)) -%}
{% endmacro %}


{#- The columns of the registry, in order. -#}
{% macro registry_columns(stage='stage', moment='created_at') -%}
    model_version,
    {{ stage }},
    role,
    network,
    preset,
    cast(cutoff as date) as cutoff,
    cast(seed as integer) as seed,
    cast(config as string) as config,
    cast(metrics as string) as metrics,
    data_hash,
    code_hash,
    weights,
    cast({{ moment }} as timestamp) as created_at
{%- endmacro %}

{#- How the registry takes in new models: DuckDB replaces the rows that change. Spark's Parquet
    tables have no such thing: there the whole table is written anew from a copy of what it was. -#}
{% macro registry_strategy() %}{{ return(adapter.dispatch('registry_strategy', 'salesfc')()) }}{% endmacro %}
{% macro default__registry_strategy() %}{{ return('delete+insert') }}{% endmacro %}
{% macro spark__registry_strategy() %}{{ return('insert_overwrite') }}{% endmacro %}

{#- A copy of a table's rows, made before it is overwritten from them. -#}
{% macro keep_rows(relation) %}{{ return(adapter.dispatch('keep_rows', 'salesfc')(relation)) }}{% endmacro %}
{% macro default__keep_rows(relation) %}{% endmacro %}
{% macro spark__keep_rows(relation) %}
    {%- if execute and load_relation(relation) is not none -%}
        {%- do run_query('drop table if exists ' ~ salesfc.rows_before(relation)) -%}
        create table {{ salesfc.rows_before(relation) }} using parquet as select * from {{ relation }}
    {%- endif -%}
{% endmacro %}

{% macro rows_before(relation) %}{{ return(adapter.dispatch('rows_before', 'salesfc')(relation)) }}{% endmacro %}
{% macro default__rows_before(relation) %}{{ return(relation) }}{% endmacro %}
{% macro spark__rows_before(relation) %}
    {{ return(relation.incorporate(path={'identifier': relation.identifier ~ '__before'})) }}
{% endmacro %}

{#- Which rows of `before` are written again: those that change, or all. -#}
{% macro registry_changes() %}{{ return(adapter.dispatch('registry_changes', 'salesfc')()) }}{% endmacro %}
{% macro default__registry_changes() -%}
    before.stage <> 'archived' and exists (select 1 from trained where trained.role = 'production')
{%- endmacro %}
{% macro spark__registry_changes() -%}true{%- endmacro %}

{#- The stage of a model that is none of the build's. -#}
{% macro demoted_stage() %}{{ return(adapter.dispatch('demoted_stage', 'salesfc')()) }}{% endmacro %}
{% macro default__demoted_stage() -%}'archived'{%- endmacro %}
{% macro spark__demoted_stage() -%}
    case
        when (select count(*) from trained where trained.role = 'production') > 0 then 'archived'
        else before.stage
    end
{%- endmacro %}
