{#- The series and their attributes that Python reads. -#}
{%- set keys = salesfc.setting('series_keys') -%}
{%- set is_on = salesfc.setting('series_identifier') != '' -%}
{%- set columns = salesfc.setting('static_columns') if is_on else [] -%}

select
    demand.unique_id,
    {%- for column in columns %}
    {%- set type = salesfc.raw_type('series', column, 'static_columns') %}
    {{ salesfc.to_attribute('attribute.' ~ salesfc.quoted(column, 'static__'), type) }}
        as {{ salesfc.quoted(column, 'static__') }},
    {%- endfor %}
    {%- for key in keys %}
    series_key.key_{{ loop.index }} as {{ salesfc.quoted(key, 'static__key_') }},
    {%- endfor %}
    succession.predecessor,
    demand.first_ts,
    demand.first_sale_ts,
    demand.last_sale_ts,
    demand.demand_class,
    demand.n_periods,
    demand.n_sold,
    demand.units,
    demand.demand_interval,
    demand.size_variation,
    demand.has_whole_units,
    normalisation.mean,
    normalisation.deviation
from {{ ref('int_salesfc__demand') }} as demand
inner join {{ ref('int_salesfc__series_key') }} as series_key
    on demand.unique_id = series_key.unique_id
left join {{ ref('int_salesfc__attribute') }} as attribute
    on demand.unique_id = attribute.unique_id
left join {{ ref('int_salesfc__succession') }} as succession
    on demand.unique_id = succession.unique_id
left join {{ ref('int_salesfc__normalisation') }} as normalisation
    on demand.unique_id = normalisation.unique_id
