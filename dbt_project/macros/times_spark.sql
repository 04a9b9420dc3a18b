{#- Times and periods on Spark. Times are those of the session's zone, which the profile sets to UTC. -#}

{% macro spark__to_time(expression, type) %}
    {%- set zone = salesfc.setting('timezone') -%}
    {%- set number = expression if type not in ['double', 'float'] else 'cast(' ~ expression ~ ' as decimal(20, 0))' -%}
    {%- set text = 'trim(cast(' ~ number ~ ' as string))' -%}
    {%- set day, clock = '([0-9]{1,6})[-/ \\\\]([0-9]{1,2})[-/ \\\\]([0-9]{1,2})', '[T ]([0-9]{1,2}:[0-9]{1,2}(?::[0-9]{1,2}(?:[.][0-9]{1,6})?)?)[0-9]*' -%}
    {%- set local = 'regexp_replace(' ~ text ~ ", r'^" ~ day ~ '(?:' ~ clock ~ ".*)?$', '$1-$2-$3 $4')" -%}
    {%- set offset = 'regexp_replace(regexp_extract(' ~ text ~ ", r'(Z|[+-][0-9:]+)$'), r'^([+-][0-9]{2}):?([0-9]{2})?$', '$1:$2')" -%}
    {%- set readable = text ~ " rlike r'^" ~ day ~ '(?:' ~ clock ~ "(?: ?[A-Za-z+-].*)?)?$'" -%}
    {%- if type == 'date' -%}
        cast({{ expression }} as timestamp)
    {%- elif type.startswith('timestamp') -%}
        {{ salesfc.in_zone('cast(' ~ expression ~ ' as timestamp_ntz)', zone) }}
    {%- else -%}
        coalesce(
            {%- if zone %}
            case
                when {{ readable }} and {{ text }} rlike ':[0-9.]+ ?(Z|[+-][0-9:]+)$'
                    then {{ salesfc.in_zone(
                        'cast(try_cast(' ~ local ~ ' || regexp_replace(' ~ offset ~ ", ':$', ':00') as timestamp) as timestamp_ntz)", zone
                    ) }}
                when {{ readable }} and {{ text }} like '%:%'
                    then {{ salesfc.in_zone('try_cast(' ~ local ~ ' as timestamp_ntz)', zone) }}
            end,
            {%- endif %}
            case when {{ readable }} then cast(try_cast(trim({{ local }}) as timestamp_ntz) as timestamp) end,
            case
                when {{ text }} rlike '^[0-9]{8}([.]0)?$' then try_to_timestamp(substr({{ text }}, 1, 8), 'yyyyMMdd')
                when {{ text }} rlike '^[0-9]{4}-[0-9]{1,2}$' then try_to_timestamp({{ text }}, 'yyyy-M')
            end
        )
    {%- endif -%}
{% endmacro %}

{#- A time in UTC as the zone's own. -#}
{% macro in_zone(expression, zone) -%}
    cast({% if zone %}convert_timezone('UTC', {{ salesfc.literal(zone) }}, {{ expression }}){% else %}{{ expression }}{% endif %} as timestamp)
{%- endmacro %}

{% macro spark__period_add(expression, n) -%}
    {%- set frequency = salesfc.setting('frequency') -%}
    {%- if frequency == 'month' -%}
        add_months({{ expression }}, {{ n }})
    {%- else -%}
        date_add({{ expression }}, {{ n }}{{ ' * 7' if frequency == 'week' }})
    {%- endif -%}
{%- endmacro %}

{% macro spark__periods_between(first, last, step) -%}
    explode(sequence(cast({{ first }} as date), cast({{ last }} as date), interval 1 {{ step }}))
{%- endmacro %}

{% macro spark__weekday(expression) -%}(weekday({{ expression }}) + 1){%- endmacro %}

{% macro spark__days_between(first, last) -%}datediff({{ last }}, {{ first }}){%- endmacro %}
