{#- The static attributes of each series, as they came. Of several rows for one key the least value
    of each column is taken. -#}
{%- set is_on = salesfc.setting('series_identifier') != '' %}
{%- set columns = salesfc.setting('static_columns') if is_on else [] %}

with attribute as (

    select
        {{- salesfc.key_names('series') if is_on }}
        {%- for column in columns %}
        min({{ salesfc.quoted(column, 'static__') }}) as {{ salesfc.quoted(column, 'static__') }},
        {%- endfor %}
        count(*) as rows_read
    from {{ ref('stg_salesfc__series') }}
    {%- if is_on and salesfc.key_positions('series') %}
    group by {{ salesfc.key_names('series').rstrip().rstrip(',') }}
    {%- endif %}

)

select
    {%- for column in columns %}
    attribute.{{ salesfc.quoted(column, 'static__') }},
    {%- endfor %}
    series_key.unique_id
from {{ ref('int_salesfc__series_key') }} as series_key
left join attribute
    on {{ salesfc.on_keys('series', 'series_key', 'attribute') if is_on else 'false' }}
