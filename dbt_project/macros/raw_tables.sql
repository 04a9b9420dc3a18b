{#- The columns of a raw table, {name in lower case: type in lower case}; none while parsing and in
    unit tests, where nobody knows; empty for a table that is switched off. -#}
{% macro raw_columns(table) %}
    {%- if not execute or model.resource_type == 'unit_test' -%}{%- do return(none) -%}{%- endif -%}
    {%- set schema, identifier = salesfc.setting('schema'), salesfc.setting(table ~ '_identifier') -%}
    {%- if not identifier -%}{%- do return({}) -%}{%- endif -%}
    {%- set relation = adapter.get_relation(database=target.database, schema=schema, identifier=identifier) -%}
    {%- if relation is none and flags.WHICH in ['compile', 'generate'] -%}{%- do return(none) -%}{%- endif -%}
    {%- if relation is none -%}
        {%- set there = salesfc.tables_of(schema) | sort -%}
        {%- do exceptions.raise_compiler_error(
            'salesfc_' ~ table ~ "_identifier: there is no table '" ~ schema ~ '.' ~ identifier ~ "'; schema '" ~ schema ~ "' holds "
            ~ (there | join(', ') or 'no tables') ~ '.'
        ) -%}
    {%- endif -%}
    {%- set types = {} -%}
    {%- for column in adapter.get_columns_in_relation(relation) -%}
        {%- do types.update({column.name | lower: column.dtype | lower}) -%}
    {%- endfor -%}
    {%- do return(types) -%}
{% endmacro %}

{#- Type of a raw column in lower case, text where nobody knows; one line with a near miss if the
    column is not there. -#}
{% macro raw_type(table, column, setting_name) %}
    {%- set types = salesfc.raw_columns(table) -%}
    {%- if types is none -%}{%- do return('varchar') -%}{%- endif -%}
    {%- if column | lower not in types -%}
        {%- do exceptions.raise_compiler_error(
            'salesfc_' ~ setting_name ~ ": table '" ~ salesfc.setting(table ~ '_identifier') ~ "' has no column '" ~ column
            ~ "'" ~ salesfc.did_you_mean(column, types.keys() | list) ~ ' Its columns: ' ~ types.keys() | join(', ') ~ '.'
        ) -%}
    {%- endif -%}
    {%- do return(types[column | lower]) -%}
{% endmacro %}

{#- The price column, or empty if sales have none; only a name that the user chose must be there.
    -#}
{% macro price_column() %}
    {%- set column = salesfc.setting('price_column') -%}
    {%- set types = salesfc.raw_columns('sales') -%}
    {%- if column and types is not none and column | lower not in types and var('salesfc_price_column', none) is none -%}
        {%- do return('') -%}
    {%- endif -%}
    {%- do return(column) -%}
{% endmacro %}

{#- Whether a raw table says who bought or looked, so that groups of too few customers are hidden. -#}
{% macro hides_small_groups(table) %}
    {%- if salesfc.setting('min_customers') == 0 -%}{%- do return(false) -%}{%- endif -%}
    {%- do return(salesfc.setting('customer_column') | lower in (salesfc.raw_columns(table) or {})) -%}
{% endmacro %}

{#- Positions (from 1) of the series keys that a raw table has. A table without any is shared by all
    series. -#}
{% macro key_positions(table) %}
    {%- set types = salesfc.raw_columns(table) -%}
    {%- set found = [] -%}
    {%- for key in salesfc.setting('series_keys') -%}
        {%- if types is none or key | lower in types -%}{%- do found.append(loop.index) -%}{%- endif -%}
    {%- endfor -%}
    {%- do return(found) -%}
{% endmacro %}
