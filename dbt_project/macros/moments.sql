{#- A moment, but at least a second after every one in a column of the rows kept: the order of what was added one after
    the other is then its order in time, also where the clock went back or stood still. -#}
{% macro after_all(moment, column, rows) -%}
    greatest({{ moment }}, (select max(kept.{{ column }}) + interval '1' second from {{ rows }} as kept))
{%- endmacro %}
