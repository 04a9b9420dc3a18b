{#- What Spark (and Databricks) writes otherwise than DuckDB; more in times_spark.sql and
    lists_spark.sql. -#}

{% macro spark__quoted(name, prefix) %}{{ adapter.quote((prefix ~ name) | replace('`', '``')) }}{% endmacro %}

{% macro spark__literal(text) %}{{ "'" ~ (text | string | replace('\\', '\\\\') | replace("'", "\\'")) ~ "'" }}{% endmacro %}

{#- Java reads more than DuckDB (1d, 0x1p3) and less (1_000). -#}
{% macro spark__to_number(expression) -%}
    case
        when typeof({{ expression }}) <> 'string' then try_cast({{ expression }} as double)
        when not {{ expression }} rlike r'(?i)[0-9.][df]\s*$|x'
            then try_cast(regexp_replace({{ expression }}, r'([0-9])_(?=[0-9])', '$1') as double)
    end
{%- endmacro %}

{% macro spark__quantile_of(expression, level) -%}percentile({{ expression }}, {{ level }}){%- endmacro %}

{% macro spark__quantiles_of(expression, levels) -%}percentile({{ expression }}, array({{ levels | join(', ') }})){%- endmacro %}

{#- To number them, Spark would have to bring them to one place. -#}
{% macro spark__number_of(columns) -%}struct({{ columns | join(', ') }}){%- endmacro %}

{#- Spark would have to shuffle all rows to know. -#}
{% macro spark__days_differ(day) -%}false{%- endmacro %}

{% macro spark__fail(message) -%}raise_error({{ salesfc.literal('salesfc: ' ~ message) }}){%- endmacro %}

{% macro spark__project_file() %}{{ return({}) }}{% endmacro %}

{% macro spark__as_json(columns) -%}
    to_json(named_struct(
    {%- for name, expression in columns.items() -%}
        {{ salesfc.literal(name) }}, {{ expression }}{{ ', ' if not loop.last }}
    {%- endfor -%}
    ), map('ignoreNullFields', 'false'))
{%- endmacro %}

{% macro spark__last_known(expression, window) -%}last_value({{ expression }}, true) over {{ window }}{%- endmacro %}
{% macro spark__next_known(expression, window) -%}first_value({{ expression }}, true) over {{ window }}{%- endmacro %}

{% macro spark__quantile_loss(actual, levels, quantiles) -%}
    (aggregate(
        zip_with(
            {{ levels }}, {{ quantiles }},
            (level, quantile) -> 2 * abs(({{ actual }} - quantile) * (cast({{ actual }} <= quantile as integer) - level))
        ),
        cast(0 as double), (total, item) -> total + item
    ) / size({{ levels }}))
{%- endmacro %}

{#- Spark's memory is set where it starts: spark.driver.memory, spark.executor.memory. -#}
{% macro spark__limit_memory() %}{% endmacro %}

{% macro spark__tables_of(schema) %}
    {%- do return(run_query('show tables in ' ~ schema).columns['tableName'].values()) -%}
{% endmacro %}
