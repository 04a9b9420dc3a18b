{%- set keys = salesfc.setting('series_keys') -%}
{%- set columns = {} -%}
{%- for key in keys -%}{%- do columns.update({key: 'sales.key_' ~ loop.index}) -%}{%- endfor -%}
{%- do columns.update({salesfc.setting('time_column'): 'sales.time_text'}) -%}
{%- do columns.update({salesfc.setting('quantity_column'): 'sales.quantity_text'}) -%}

select
    {{ salesfc.literal(salesfc.setting('sales_identifier')) }} as source_table,
    sales.unique_id,
    cast(sales.sold_at as date) as sold_on,
    sales.copies as row_count,
    sales.reject_reason as reason,
    {{ salesfc.as_json(columns) }} as source_row
from {{ ref('stg_salesfc__sales') }} as sales
cross join {{ ref('int_salesfc__cutoff') }} as cutoff
where
    sales.reject_reason is not null
    and (sales.sold_at < cutoff.next_ts or sales.sold_at is null)
