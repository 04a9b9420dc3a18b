{#- Sums of a group of rows, written so that a group of one row needs no sum: groups by the tens of
    millions are a hash table of many gigabytes. -#}

{#- The sum of an expression over the rows on which a condition holds; NULL if there are none. A sum
    begins at 0, so that none is -0.0. -#}
{% macro sum_of(expression, condition, is_alone) -%}
    {%- set counted = 'case when ' ~ condition ~ ' then ' ~ expression ~ ' end' if condition else expression -%}
    {{ '(' ~ counted ~ ' + 0)' if is_alone else 'sum(' ~ counted ~ ')' }}
{%- endmacro %}

{#- How many of the rows a condition holds on. -#}
{% macro count_of(condition, is_alone) -%}
    {%- set counted = 'case when ' ~ condition ~ ' then 1 else 0 end' -%}
    {{ 'cast(' ~ (counted if is_alone else 'sum(' ~ counted ~ ')') ~ ' as bigint)' }}
{%- endmacro %}

{#- Which series have one row a period, asked of the data when the model is built: 'all', 'none' or
    'some'. Where all or none have, one half of the union is all there is, and no join decides which.
    Where there are no rows to ask, as in a unit test, 'some': that is right for any. -#}
{% macro who_is_alone(source, keys) -%}
    {{ return(adapter.dispatch('who_is_alone', 'salesfc')(source, keys)) }}
{%- endmacro %}
{% macro default__who_is_alone(source, keys) -%}
    {%- if not execute or model.resource_type == 'unit_test' or flags.WHICH not in ['build', 'run'] -%}
        {%- do return('some') -%}
    {%- endif -%}
    {%- set asked %}
    select
        count(*) as series,
        coalesce(sum(case when is_alone then 1 else 0 end), 0) as series_alone
    from (
        select {{ salesfc.days_differ('ts') }} as is_alone
        from {{ source }}
        {{ 'group by ' ~ keys if keys }}
    ) as asked_series
    {%- endset %}
    {%- set series, series_alone = run_query(asked).rows[0] | map('int') -%}
    {%- do return('none' if not series_alone else 'all' if series == series_alone else 'some') -%}
{%- endmacro %}
{% macro spark__who_is_alone(source, keys) %}{{ return('none') }}{% endmacro %}

{#- The halves of the union that are needed: with rows as they are (true), with rows summed (false). -#}
{% macro halves(who) %}{{ return({'all': [true], 'none': [false], 'some': [true, false]}[who]) }}{% endmacro %}
