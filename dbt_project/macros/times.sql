{#- Times and periods: what differs by engine, Spark in times_spark.sql. -#}

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
