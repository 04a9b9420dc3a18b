{#- A key's value as text; `/` and `\` inside it are escaped by `\`, so that joined keys stay
    different. -#}
{% macro escaped(expression) -%}
    replace(
        replace(cast({{ expression }} as string), {{ salesfc.literal('\\') }}, {{ salesfc.literal('\\\\') }}),
        '/', {{ salesfc.literal('\\/') }}
    )
{%- endmacro %}

{#- unique_id from the key columns of a table; NULL if any of them is. -#}
{% macro unique_id() -%}
    {%- set keys = salesfc.setting('series_keys') -%}
    {%- for key in keys -%}
        {{ salesfc.escaped(salesfc.quoted(key)) }}{{ " || '/' || " if not loop.last }}
    {%- else -%}
        'total'
    {%- endfor -%}
{%- endmacro %}

{#- Joins a table of all or some of the keys (as text: key_1 ..) to a table of series. -#}
{% macro on_keys(table, left_alias, right_alias) -%}
    {%- for position in salesfc.key_positions(table) -%}
        {{ ' and ' if not loop.first }}{{ left_alias }}.key_{{ position }} = {{ right_alias }}.key_{{ position }}
    {%- else -%}
        true
    {%- endfor -%}
{%- endmacro %}

{#- The key columns of a table as text, `key_1 .. key_n,`: those it has. -#}
{% macro key_columns(table) -%}
    {%- for position in salesfc.key_positions(table) %}
        cast({{ salesfc.quoted(salesfc.setting('series_keys')[position - 1]) }} as string) as key_{{ position }},
    {%- endfor -%}
{%- endmacro %}

{#- Comma-separated `key_1, .. key_n,` of a staging table that has them. -#}
{% macro key_names(table, alias='') -%}
    {%- for position in salesfc.key_positions(table) %}
        {{ alias ~ '.' if alias }}key_{{ position }},
    {%- endfor -%}
{%- endmacro %}
