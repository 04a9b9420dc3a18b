{#- What Spark (and Databricks) writes otherwise than DuckDB. Times are those of the session's zone,
    which the profile sets to UTC. -#}

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

{% macro spark__quantile_of(expression, level) -%}percentile({{ expression }}, {{ level }}){%- endmacro %}

{% macro spark__fail(message) -%}raise_error({{ salesfc.literal('salesfc: ' ~ message) }}){%- endmacro %}

{% macro spark__as_json(columns) -%}
    to_json(named_struct(
    {%- for name, expression in columns.items() -%}
        {{ salesfc.literal(name) }}, {{ expression }}{{ ', ' if not loop.last }}
    {%- endfor -%}
    ), map('ignoreNullFields', 'false'))
{%- endmacro %}

{% macro spark__list_of(type) -%}array<{{ type }}>{%- endmacro %}

{% macro spark__unnested(columns) -%}
    inline(arrays_zip({{ columns.values() | join(', ') }})) as ({{ columns.keys() | join(', ') }})
{%- endmacro %}

{% macro spark__listed(expression, order, condition) -%}
    transform(
        array_sort(collect_list(struct({{ order }} as place, {{ expression }} as item)){{ ' filter (where ' ~ condition ~ ')' if condition }}),
        pair -> pair.item
    )
{%- endmacro %}

{% macro spark__item_of(list, place) -%}element_at({{ list }}, {{ place }}){%- endmacro %}

{% macro spark__list_map(list, expression) -%}transform({{ list }}, item -> {{ expression }}){%- endmacro %}
{% macro spark__list_where(list, condition) -%}filter({{ list }}, item -> {{ condition }}){%- endmacro %}
{% macro spark__list_length(list) -%}size({{ list }}){%- endmacro %}

{% macro spark__list_sum(list) -%}
    case when size({{ list }}) > 0 then aggregate({{ list }}, cast(0 as double), (total, item) -> total + item) end
{%- endmacro %}

{% macro spark__list_mean(list) -%}
    ({{ salesfc.list_sum(list) }} / size({{ list }}))
{%- endmacro %}

{#- One pass: Welford, Technometrics 4, 1962. -#}
{% macro spark__list_deviation(list) -%}
    aggregate(
        {{ list }},
        named_struct('n', cast(0 as double), 'mean', cast(0 as double), 'squares', cast(0 as double)),
        (state, item) -> named_struct(
            'n', state.n + 1,
            'mean', state.mean + (item - state.mean) / (state.n + 1),
            'squares', state.squares + power(item - state.mean, 2) * state.n / (state.n + 1)
        ),
        state -> case when state.n > 1 then sqrt(state.squares / (state.n - 1)) end
    )
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
