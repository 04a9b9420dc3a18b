{#- The panel's periods that a backtest held out, as SQL. Without the others a join of the backtest, with its
    lists of quantiles, looks up few of them. -#}
{% macro held_out(columns) -%}
    {%- set predicted = ref('int_salesfc__backtest_prediction') -%}
    (
        select
            unique_id,
            ts,
            {{ columns | join(', ') }}
        from {{ ref('int_salesfc__observations') }}
        where
            ts >= (select min(predicted.ts) from {{ predicted }} as predicted)
            and ts <= (select max(predicted.ts) from {{ predicted }} as predicted)
    )
{%- endmacro %}
