{#- A column of covariates or behaviour as numbers: yes and no as 1 and 0, numbers and texts of numbers
    as they are. Other text of covariates (an event's name) is 1 and no text 0, unless the column is one
    of numbers: there it is a number that cannot be read. Behaviour is measured, so there it is always
    that: what other rows hold, later ones too, must not matter. -#}
{% macro to_feature(table, column) %}
    {%- set type, value = salesfc.raw_type(table, column, salesfc.feature_setting(table)), salesfc.quoted(column) -%}
    {%- set number = salesfc.finite(salesfc.to_number(value)) -%}
    {%- if type in ['boolean', 'bool'] -%}
        cast(cast({{ value }} as integer) as double)
    {%- elif type.startswith(('varchar', 'string', 'text')) -%}
        coalesce(
            {{ number }},
            case
                {%- if table == 'behaviour' %}
                when lower(trim({{ value }})) in ('yes', 'true', 'y', 't') then 1.0
                when lower(trim({{ value }})) in ('no', 'false', 'n', 'f') then 0.0
                {%- else %}
                when {{ salesfc.holds_numbers(table, column) }} then null
                when coalesce(lower(trim({{ value }})), '') in ('', 'no', 'none', 'null', 'false', 'f', 'n') then 0.0
                when {{ salesfc.to_number(value) }} is null then 1.0
                {%- endif %}
            end
        )
    {%- else -%}
        {{ number }}
    {%- endif -%}
{% endmacro %}

{% macro feature_setting(table) %}{{ return('past_columns' if table == 'behaviour' else 'known_columns') }}{% endmacro %}

{#- Whether a column of text has more numbers other than 0 and 1, which may be codes of events, than
    words. -#}
{% macro holds_numbers(table, column) -%}
    {%- set number, text = salesfc.to_number(salesfc.quoted(column)), 'trim(' ~ salesfc.quoted(column) ~ ')' -%}
    (
        select
            count(case when {{ number }} not in (0, 1) then 1 end)
            > count(case when {{ text }} <> '' and {{ number }} is null then 1 end)
        from {{ source('salesfc', table) }}
    )
{%- endmacro %}

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
