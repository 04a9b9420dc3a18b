{#- Sums of a group of rows, written so that a group of one row needs no sum: groups by the tens of
    millions are a hash table of many gigabytes. -#}

{#- The sum of an expression over the rows on which a condition holds; NULL if there are none. A sum
    begins at 0, so that none is -0.0. -#}
{% macro sum_of(expression, condition, is_alone) -%}
    {%- set counted = 'case when ' ~ condition ~ ' then ' ~ expression ~ ' end' if condition else expression -%}
    {{ '(' ~ counted ~ ' + 0)' if is_alone else 'sum(' ~ counted ~ ')' }}
{%- endmacro %}

{#- A sum of units or money. -#}
{% macro total_of(expression, condition, is_alone) -%}
    {{ salesfc.steady(salesfc.sum_of(expression, condition, is_alone)) }}
{%- endmacro %}

{#- A sum or a mean of units, money or what a user measures, the same in whatever order it was added
    up: threads add in the order in which they finish, and the order shows in the last digits. Those
    are rounded away where doubles have them to spare, so that decimals come out as they are; what is
    counted in thousands of millions is left as it is. None is -0.0. -#}
{% macro steady(total) -%}
    case
        when abs({{ total }}) < 1e3 then round({{ total }}, 10) + 0.0
        when abs({{ total }}) < 1e9 then round({{ total }}, 6) + 0.0
        else {{ total }}
    end
{%- endmacro %}

{#- The first ten digits of a metric, which is no decimal: the same in whatever order it was added up,
    but for the one time in some ten thousand that it lies on the edge. -#}
{% macro ten_digits(metric) -%}
    case
        {%- for power in range(-5, 13) %}
        when abs({{ metric }}) < 1e{{ power }} then round({{ metric }}, {{ 10 - power }}) + 0.0
        {%- endfor %}
        else {{ metric }}
    end
{%- endmacro %}

{#- How many of the rows a condition holds on. -#}
{% macro count_of(condition, is_alone) -%}
    {%- set counted = 'case when ' ~ condition ~ ' then 1 else 0 end' -%}
    {{ 'cast(' ~ (counted if is_alone else 'sum(' ~ counted ~ ')') ~ ' as bigint)' }}
{%- endmacro %}

{#- Which series have one row a period, asked of the data when the model is built: 'all', 'some' or
    'none'. Where all have, or none, one half of the union is all there is, and no join decides which.
    To sum is right for any, so 'none' is the answer too where others have most of the rows. Where there
    are no rows to ask, as in a unit test, 'some'. -#}
{% macro who_is_alone(source, keys) -%}
    {{ return(adapter.dispatch('who_is_alone', 'salesfc')(source, keys)) }}
{%- endmacro %}
{% macro default__who_is_alone(source, keys) -%}
    {%- if not execute or model.resource_type == 'unit_test' or flags.WHICH not in ['build', 'run'] -%}
        {%- do return('some') -%}
    {%- endif -%}
    {%- if salesfc.setting('memory_limit') %}{% do run_query(salesfc.limit_memory()) %}{% endif -%}
    {%- set asked %}
    select
        coalesce(sum(row_count), 0) as rows_in_all,
        coalesce(sum(case when is_alone then row_count else 0 end), 0) as rows_alone
    from (
        select
            count(*) as row_count,
            {{ salesfc.days_differ('ts') }} as is_alone
        from {{ source }}
        {{ 'group by ' ~ keys if keys }}
    ) as asked_series
    {%- endset %}
    {%- set rows_in_all, rows_alone = run_query(asked).rows[0] | map('int') -%}
    {%- do return('none' if 2 * rows_alone <= rows_in_all else 'all' if rows_alone == rows_in_all else 'some') -%}
{%- endmacro %}
{% macro spark__who_is_alone(source, keys) %}{{ return('none') }}{% endmacro %}

{#- Whether a table has rows, asked of the database when a model is built; none where nobody can be asked. -#}
{% macro has_rows(relation) -%}
    {%- if not execute or model.resource_type == 'unit_test' or flags.WHICH not in ['build', 'run'] -%}
        {%- do return(none) -%}
    {%- endif -%}
    {%- do return(run_query('select 1 from ' ~ relation ~ ' limit 1').rows | length > 0) -%}
{%- endmacro %}

{#- The halves of the union that are needed: with rows as they are (true), with rows summed (false). -#}
{% macro halves(who) %}{{ return({'all': [true], 'none': [false], 'some': [true, false]}[who]) }}{% endmacro %}
