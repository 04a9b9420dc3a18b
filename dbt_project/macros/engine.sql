{#- Everything that differs by engine stands here, and only here. -#}

{#- Quotes a user's column name; `prefix` as in known__price. -#}
{% macro quoted(name, prefix='') %}{{ adapter.quote((prefix ~ name) | replace('"', '""')) }}{% endmacro %}

{#- A text as an SQL literal. -#}
{% macro literal(text) %}{{ "'" ~ (text | string | replace("'", "''")) ~ "'" }}{% endmacro %}


{#- A number that is finite, or NULL. -#}
{% macro to_number(expression) %}{{ return(adapter.dispatch('to_number', 'salesfc')(expression)) }}{% endmacro %}
{% macro default__to_number(expression) -%}
    try_cast({{ expression }} as double)
{%- endmacro %}


{#- Any value as a number: yes and no as 1 and 0, numbers and texts of numbers as they are, other
    text (an event's name) as 1, no text as 0. -#}
{% macro to_feature(expression, type) %}
    {%- if type in ['boolean', 'bool'] -%}
        cast(cast({{ expression }} as integer) as double)
    {%- elif type.startswith(('varchar', 'string', 'text')) -%}
        coalesce(
            {{ salesfc.finite(salesfc.to_number(expression)) }},
            case
                when coalesce(lower(trim({{ expression }})), '') in ('', 'no', 'none', 'null', 'false', 'f', 'n') then 0.0
                when {{ salesfc.to_number(expression) }} is null then 1.0
            end
        )
    {%- else -%}
        {{ salesfc.finite(salesfc.to_number(expression)) }}
    {%- endif -%}
{% endmacro %}

{% macro finite(expression) %}case when abs({{ expression }}) <= 1e15 then {{ expression }} end{% endmacro %}


{#- Local time from a column of any type, NULL if it cannot be read. -#}
{% macro to_time(expression, type) %}{{ return(adapter.dispatch('to_time', 'salesfc')(expression, type)) }}{% endmacro %}
{% macro default__to_time(expression, type) %}
    {%- set zone = salesfc.setting('timezone') -%}
    {%- set text = 'trim(cast(' ~ expression ~ ' as varchar))' -%}
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
{% macro periods_between(first, last) %}{{ return(adapter.dispatch('periods_between', 'salesfc')(first, last)) }}{% endmacro %}
{% macro default__periods_between(first, last) -%}
    cast(unnest(generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp),
        interval '1 {{ salesfc.setting("frequency") }}')) as date)
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
    ) as varchar)
{%- endmacro %}


{#- The elements of a list, one row each: for the select list; several of one length go side by
    side. -#}
{% macro unnested(expression) %}{{ return(adapter.dispatch('unnested', 'salesfc')(expression)) }}{% endmacro %}
{% macro default__unnested(expression) -%}unnest({{ expression }}){%- endmacro %}
