{#- Whether exact copies of sales rows are dropped: by default only if the table has columns beyond
    those that are mapped (an order number, say), because two orders of one unit on one day are
    alike in all the mapped ones. -#}
{% macro drops_duplicates() %}
    {%- set choice = salesfc.setting('duplicates') -%}
    {%- if choice != 'auto' -%}{%- do return(choice == 'drop') -%}{%- endif -%}
    {%- set mapped = (salesfc.setting('series_keys') + [
        salesfc.setting('time_column'), salesfc.setting('quantity_column'),
        salesfc.setting('price_column'), salesfc.setting('customer_column'),
    ]) | map('lower') | list -%}
    {%- for name in salesfc.raw_columns('sales') or {} if name not in mapped -%}{%- do return(true) -%}{%- endfor -%}
    {%- do return(false) -%}
{% endmacro %}
