{#- A column of covariates or behaviour as numbers: yes and no as 1 and 0, numbers and texts of numbers
    as they are. Other text of covariates (an event's name) is 1 and no text 0, unless the column is one
    of numbers: there it is a number that cannot be read. Behaviour is measured, so there it is always
    that. Nothing hangs on later rows: which of both a column is, its rows up to each day tell. -#}
{% macro to_feature(table, column) %}
    {%- set type, value = salesfc.raw_type(table, column, salesfc.feature_setting(table)), salesfc.quoted(column) -%}
    {%- set number = salesfc.finite(salesfc.to_number(value)) -%}
    {%- if type in ['boolean', 'bool'] -%}
        cast(cast({{ value }} as integer) as double)
    {%- elif salesfc.is_text(type) -%}
        coalesce(
            {{ number }},
            case
                {%- if table == 'behaviour' %}
                when lower(trim({{ value }})) in ('yes', 'true', 'y', 't') then 1.0
                when lower(trim({{ value }})) in ('no', 'false', 'n', 'f') then 0.0
                {%- else %}
                when not coalesce(so_far.{{ salesfc.quoted(column, 'has_words__') }}, false) then null
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

{#- For each day of a raw table and each of some columns of text whether it is one of words by then: not
    fewer than numbers other than 0 and 1, which may be codes of events. -#}
{% macro words_so_far(table, columns, day) -%}
    with by_day as (

        select
            {{ day }} as salesfc_day,
            {%- for column in columns %}
            {%- set value = salesfc.quoted(column) %}
            {%- set number = salesfc.to_number(value) %}
            count(case when {{ number }} not in (0, 1) then 1 end) as {{ salesfc.quoted(column, 'numbers__') }},
            count(case when trim({{ value }}) <> '' and {{ number }} is null then 1 end)
                as {{ salesfc.quoted(column, 'words__') }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ source('salesfc', table) }}
        group by {{ day }}

    )

    select
        salesfc_day,
        {%- for column in columns %}
        {%- set words = 'sum(' ~ salesfc.quoted(column, 'words__') ~ ') over past' %}
        {{ words }} >= greatest(sum({{ salesfc.quoted(column, 'numbers__') }}) over past, 1)
            as {{ salesfc.quoted(column, 'has_words__') }}{{ ',' if not loop.last }}
        {%- endfor %}
    from by_day
    where salesfc_day is not null
    window past as (order by salesfc_day)
{%- endmacro %}

{#- Past features that follow from others: units sold a visit, and the own price against a
    competitor's. -#}
{% macro derived_past(price) -%}
    {%- set views, competitor = salesfc.setting('views_column'), salesfc.setting('competitor_price_column') -%}
    {%- if views -%}
    ,
    {%- set fills = 'interpolate' in [salesfc.setting('gaps'), salesfc.setting('missing')] %}
    {{ 'coalesce(history.quantity_before, history.quantity)' if fills else 'history.quantity' }} / nullif(past.{{ salesfc.quoted(views, 'past__') }}, 0) as past__conversion
    {%- endif -%}
    {%- if competitor and price -%}
    ,
    history.price / nullif(past.{{ salesfc.quoted(competitor, 'past__') }}, 0) as past__price_ratio
    {%- endif -%}
{%- endmacro %}
