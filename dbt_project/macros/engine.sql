{#- Everything that differs by engine stands here, and only here. -#}

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


{#- Local time from a column of any type, NULL if it cannot be read. -#}
{% macro to_time(expression, type) %}{{ return(adapter.dispatch('to_time', 'salesfc')(expression, type)) }}{% endmacro %}
{% macro default__to_time(expression, type) %}
    {%- set zone = salesfc.setting('timezone') -%}
    {%- set text = 'trim(cast(' ~ expression ~ ' as string))' -%}
    {%- if type == 'date' -%}
        try_cast({{ expression }} as timestamp)
    {%- elif type.startswith('timestamp with time zone') or type == 'timestamptz' -%}
        {{ salesfc.moved_to_zone(expression, zone or 'UTC') }}
    {%- elif type.startswith('timestamp') -%}
        {%- if zone -%}
            {{ salesfc.moved_to_zone("timezone('UTC', try_cast(" ~ expression ~ ' as timestamp))', zone) }}
        {%- else -%}
            try_cast({{ expression }} as timestamp)
        {%- endif -%}
    {%- else -%}
        coalesce(
            {%- if zone %}
            case
                when regexp_matches({{ text }}, ':[0-9.]+ ?(Z|[+-][0-9:]+)$')
                    then {{ salesfc.moved_to_zone('try_cast(' ~ text ~ ' as timestamptz)', zone) }}
                when {{ text }} like '%:%'
                    then {{ salesfc.moved_to_zone("timezone('UTC', try_cast(" ~ text ~ ' as timestamp))', zone) }}
            end,
            {%- endif %}
            try_cast({{ text }} as timestamp),
            try_strptime({{ text }}, ['%Y%m%d', '%Y-%m', '%Y%m%d.0'])
        )
    {%- endif -%}
{% endmacro %}


{#- A moment as the local time of a zone, NULL at the ends of time, where there is none. -#}
{% macro moved_to_zone(expression, zone) -%}
    try(timezone({{ salesfc.literal(zone) }}, {{ expression }}))
{%- endmacro %}


{#- First day of the period of a date or time. -#}
{% macro period_of(expression) -%}
    cast(date_trunc('{{ salesfc.setting("frequency") }}', {{ expression }}) as date)
{%- endmacro %}

{#- A period's first day, n periods later. -#}
{% macro period_add(expression, n) %}{{ return(adapter.dispatch('period_add', 'salesfc')(expression, n)) }}{% endmacro %}
{% macro default__period_add(expression, n) -%}
    cast({{ expression }} + ({{ n }}) * interval '1 {{ salesfc.setting("frequency") }}' as date)
{%- endmacro %}

{#- All periods from one to another, both included, one row each: for the select list. -#}
{% macro periods_between(first, last, frequency='') -%}
    {%- set step = frequency or salesfc.setting('frequency') -%}
    {{ return(adapter.dispatch('periods_between', 'salesfc')(first, last, step)) }}
{%- endmacro %}
{% macro default__periods_between(first, last, step) -%}
    cast(unnest(generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval '1 {{ step }}')) as date)
{%- endmacro %}

{#- Monday 1 .. Sunday 7. -#}
{% macro weekday(expression) %}{{ return(adapter.dispatch('weekday', 'salesfc')(expression)) }}{% endmacro %}
{% macro default__weekday(expression) -%}isodow({{ expression }}){%- endmacro %}

{% macro days_between(first, last) %}{{ return(adapter.dispatch('days_between', 'salesfc')(first, last)) }}{% endmacro %}
{% macro default__days_between(first, last) -%}date_diff('day', {{ first }}, {{ last }}){%- endmacro %}

{#- Linear-interpolated quantile, as an aggregate. -#}
{% macro quantile_of(expression, level) %}{{ return(adapter.dispatch('quantile_of', 'salesfc')(expression, level)) }}{% endmacro %}
{% macro default__quantile_of(expression, level) -%}quantile_cont({{ expression }}, {{ level }}){%- endmacro %}

{#- Ends the query with one line. -#}
{% macro fail(message) %}{{ return(adapter.dispatch('fail', 'salesfc')(message)) }}{% endmacro %}
{% macro default__fail(message) -%}error({{ salesfc.literal('salesfc: ' ~ message) }}){%- endmacro %}

{#- Sets salesfc_memory_limit; nothing where it is empty. -#}
{% macro limit_memory() %}{{ return(adapter.dispatch('limit_memory', 'salesfc')()) }}{% endmacro %}
{% macro default__limit_memory() -%}
    {%- set limit = salesfc.setting('memory_limit') -%}
    {%- if limit %}set memory_limit = {{ salesfc.literal(limit) }}{% endif -%}
{%- endmacro %}

{#- Columns as one JSON text: {name: expression}. -#}
{% macro as_json(columns) %}{{ return(adapter.dispatch('as_json', 'salesfc')(columns)) }}{% endmacro %}
{% macro default__as_json(columns) -%}
    cast(json_object(
    {%- for name, expression in columns.items() -%}
        {{ salesfc.literal(name) }}, {{ expression }}{{ ', ' if not loop.last }}
    {%- endfor -%}
    ) as string)
{%- endmacro %}


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
