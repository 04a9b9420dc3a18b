{#- First and last day of the sales that are believed. -#}
{%- set given = salesfc.setting('cutoff') -%}

with sold_day as (

    select
        cast(sold_at as date) as sold_on,
        sum(copies) as n_rows
    from {{ ref('stg_salesfc__sales') }}
    where
        unique_id is not null
        and sold_at is not null
        {%- if given %}
        and cast(sold_at as date) <= date '{{ given }}'
        {%- endif %}
    group by cast(sold_at as date)

),

stretch as (

    {{ salesfc.sold_stretches('sold_day') }}

)

select
    min(first_on) as first_on,
    max(last_on) as last_on
from stretch
where is_believed
