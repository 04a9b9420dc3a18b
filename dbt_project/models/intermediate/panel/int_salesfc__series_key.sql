{#- Every series with a row up to the cutoff or one that is not believed, and its keys: as text, to
    join on, and as they came.
    -#}
{%- set keys = salesfc.setting('series_keys') -%}

select
    sales.unique_id,
    {%- for key in keys %}
    min(cast(sales.key_{{ loop.index }} as string)) as key_{{ loop.index }},
    min(sales.key_{{ loop.index }}) as value_{{ loop.index }},
    {%- endfor %}
    count(*) > 0 as is_in_input
from {{ ref('stg_salesfc__sales') }} as sales
cross join {{ ref('int_salesfc__cutoff') }} as cutoff
cross join {{ ref('int_salesfc__sales_span') }} as span
where
    sales.unique_id is not null
    and (
        sales.sold_at < cutoff.next_ts
        or sales.sold_at is null
        {%- if not salesfc.setting('cutoff') %}
        or cast(sales.sold_at as date) > span.last_on
        {%- endif %}
    )
group by sales.unique_id
