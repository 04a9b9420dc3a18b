{#- How each series is supplied. Of several rows for one key the largest lead time, lot and shortage
    cost are taken, and the least of the rest: to be short is worse. -#}
{%- set is_on = salesfc.setting('series_identifier') != '' and salesfc.has_supply() %}
{%- set cautious = ['lead_time', 'lead_time_deviation', 'shortage_cost', 'pack_size',
    'minimum_order'] %}

with supply as (

    select
        {{- salesfc.key_names('series') if is_on }}
        {%- for name in salesfc.supply_numbers() %}
        {{ 'max' if name in cautious else 'min' }}({{ name }}) as {{ name }},
        {%- endfor %}
        min(supplier) as supplier
    from {{ ref('stg_salesfc__supply') }}
    {%- if is_on and salesfc.key_positions('series') %}
    group by {{ salesfc.key_names('series').rstrip().rstrip(',') }}
    {%- endif %}

)

select
    series_key.unique_id,
    {%- for name in salesfc.supply_numbers() %}
    supply.{{ name }},
    {%- endfor %}
    supply.supplier
from {{ ref('int_salesfc__series_key') }} as series_key
left join supply
    on {{ salesfc.on_keys('series', 'series_key', 'supply') if is_on else 'false' }}
