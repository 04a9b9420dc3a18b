{%- set time_column = salesfc.setting('time_column') %}
{%- if salesfc.setting('stock_identifier') %}
{%- set time_type = salesfc.raw_type('stock', time_column, 'time_column') %}
{%- do salesfc.raw_type('stock', 'on_hand', 'stock_identifier') %}
select
    {{- salesfc.key_columns('stock') }}
    {{ salesfc.believed_time(salesfc.to_time(salesfc.quoted(time_column), time_type)) }} as seen_at,
    cast({{ salesfc.quoted(time_column) }} as string) as time_text,
    cast({{ salesfc.quoted('on_hand') }} as string) as on_hand_text,
    {{ salesfc.reject_reason('stock', ['on_hand']) }} as reject_reason,
    {{ salesfc.finite(salesfc.to_number(salesfc.quoted('on_hand'))) }} as on_hand,
    {%- if 'on_order' in (salesfc.raw_columns('stock') or {}) %}
    {{ salesfc.finite(salesfc.to_number(salesfc.quoted('on_order'))) }} as on_order
    {%- else %}
    cast(null as double) as on_order
    {%- endif %}
from {{ source('salesfc', 'stock') }}
{%- else %}
select
    cast(null as timestamp) as seen_at,
    cast(null as string) as time_text,
    cast(null as string) as on_hand_text,
    cast(null as string) as reject_reason,
    cast(null as double) as on_hand,
    cast(null as double) as on_order
where false
{%- endif %}
