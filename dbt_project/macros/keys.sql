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

{#- The CTEs of a join of series with panel tables by a number for the keys that a table has (see
    number_of): each table with its number, and `series_key`, every series with the number of each.
    `tables`: the raw table that each panel table is of. Keys are numbered once, in a CTE of their own:
    the same ranks taken twice are planned worse. -#}
{% macro numbered_by_key(tables, names) %}
with {% for name in names %}{{ name }}_key as (

    select
        *,
        {{ salesfc.number_of(salesfc.key_list(tables[name])) }} as {{ name }}_number
    from (
        select distinct {{ salesfc.key_list(tables[name]) | join(', ') }}
        from {{ ref('int_salesfc__series_key') }}
    ) as keys

),

{{ name }} as (

    select
        by_period.*,
        {{ name }}_key.{{ name }}_number
    from {{ ref('int_salesfc__' ~ name) }} as by_period
    inner join {{ name }}_key
        on {{ salesfc.on_keys(tables[name], name ~ '_key', 'by_period') }}

),

{% endfor %}series_key as (

    select
        series.unique_id,
        {%- for name in names %}
        {{ name }}_key.{{ name }}_number{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('int_salesfc__series_key') }} as series
    {%- for name in names %}
    inner join {{ name }}_key
        on {{ salesfc.on_keys(tables[name], 'series', name ~ '_key') }}
    {%- endfor %}

)
{%- endmacro %}

{#- `key_1`, .. of a table, those it has, as a list of names. -#}
{% macro key_list(table) %}
    {%- set names = [] -%}
    {%- for position in salesfc.key_positions(table) -%}{%- do names.append('key_' ~ position) -%}{%- endfor -%}
    {%- do return(names) -%}
{% endmacro %}
