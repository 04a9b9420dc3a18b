{#- First and last period that a backtest held out, as the ends of `between`. -#}
{% macro held_out_span() -%}
    (select min(held_out.ts) from {{ ref('int_salesfc__backtest_prediction') }} as held_out)
    and (select max(held_out.ts) from {{ ref('int_salesfc__backtest_prediction') }} as held_out)
{%- endmacro %}
