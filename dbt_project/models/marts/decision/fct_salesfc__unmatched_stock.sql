{#- Stock of what no sales are known of: rows up to the cutoff that no series takes. -#}
{%- set has_keys = salesfc.key_positions('stock') != [] %}
{%- set is_on = salesfc.setting('stock_identifier') != '' and has_keys %}
{%- set columns = {} %}
{%- for position in salesfc.key_positions('stock') if is_on -%}
    {%- do columns.update({salesfc.setting('series_keys')[position - 1]: 'stock.key_' ~ position}) -%}
{%- endfor %}
{%- if is_on %}
select
    {{ salesfc.as_json(columns) }} as keys,
    count(*) as row_count,
    max(cast(stock.seen_at as date)) as last_counted_on,
    max(stock.on_hand) as most_on_hand,
    'no series with these keys has a row of sales up to the cutoff' as reason
from {{ ref('stg_salesfc__stock') }} as stock
cross join {{ ref('int_salesfc__cutoff') }} as cutoff
left join {{ ref('int_salesfc__series_key') }} as series_key
    on {{ salesfc.on_keys('stock', 'series_key', 'stock') }}
where series_key.unique_id is null and coalesce(stock.seen_at < cutoff.next_ts, true)
group by {{ salesfc.as_json(columns) }}
{%- else %}
select
    cast(null as string) as keys,
    cast(null as bigint) as row_count,
    cast(null as date) as last_counted_on,
    cast(null as double) as most_on_hand,
    cast(null as string) as reason
where false
{%- endif %}
