{#- Past features that follow from others: units sold a visit, and the own price against a
    competitor's. -#}
{% macro derived_past(price) -%}
    {%- set views, competitor = salesfc.setting('views_column'), salesfc.setting('competitor_price_column') -%}
    {%- if views -%}
    ,
    history.quantity / nullif(past.{{ salesfc.quoted(views, 'past__') }}, 0) as past__conversion
    {%- endif -%}
    {%- if competitor and price -%}
    ,
    sales.price / nullif(past.{{ salesfc.quoted(competitor, 'past__') }}, 0) as past__price_ratio
    {%- endif -%}
{%- endmacro %}

{#- How a static attribute goes to the network: numbers and dates (in years) as numbers, lists of
    numbers as they are, the rest as text. -#}
{% macro to_attribute(expression, type) -%}
    {%- if type.endswith((']', '>')) -%}
        try_cast({{ expression }} as {{ salesfc.list_of('float') }})
    {%- elif type in ['boolean', 'bool'] -%}
        cast(cast({{ expression }} as integer) as double)
    {%- elif type == 'date' or type.startswith('timestamp') -%}
        {{ salesfc.days_between("date '1970-01-01'", 'cast(' ~ expression ~ ' as date)') }} / cast(365.25 as double)
    {%- elif type.startswith(('tinyint', 'smallint', 'int', 'bigint', 'hugeint', 'uint', 'utiny', 'usmall', 'ubig', 'uhuge',
        'float', 'real', 'double', 'decimal', 'numeric')) -%}
        {{ salesfc.finite(salesfc.to_number(expression)) }}
    {%- else -%}
        nullif(trim(cast({{ expression }} as string)), '')
    {%- endif -%}
{%- endmacro %}


{#- A holiday's name without what stands in brackets: (observed), (substituted from ...). -#}
{% macro holiday_name(expression) -%}
    trim(regexp_replace({{ expression }}, ' *[(].*$', ''))
{%- endmacro %}

{#- Names of the holidays in the calendar; none while parsing, and before the table of holidays is
    there. -#}
{% macro holiday_names() %}
    {%- set holidays = ref('int_salesfc__holiday') -%}
    {%- if not execute or model.resource_type == 'unit_test' or load_relation(holidays) is none -%}{%- do return([]) -%}{%- endif -%}
    {%- set query = 'select distinct ' ~ salesfc.holiday_name('name') ~ ' as name from ' ~ holidays ~ ' order by name' -%}
    {%- do return(run_query(query).columns[0].values() | list) -%}
{% endmacro %}
