{#- the first of all models: a wrong var is told at once; a unit test has vars of its own -#}
{%- if model.resource_type == 'model' -%}{%- do salesfc.check_settings() -%}{%- endif -%}
{%- set keys = salesfc.setting('series_keys') -%}
{%- set time_column = salesfc.setting('time_column') -%}
{%- set quantity_column = salesfc.setting('quantity_column') -%}
{%- set price_column = salesfc.price_column() -%}
{%- set customer_column = salesfc.setting('customer_column') -%}
{%- for key in keys -%}
    {%- do salesfc.raw_type('sales', key, 'series_keys') -%}
{%- endfor -%}
{%- set time_type = salesfc.raw_type('sales', time_column, 'time_column') -%}
{%- set quantity_type = salesfc.raw_type('sales', quantity_column, 'quantity_column') -%}
{%- if price_column -%}
    {%- do salesfc.raw_type('sales', price_column, 'price_column') -%}
{%- endif -%}
{%- if customer_column -%}
    {%- do salesfc.raw_type('sales', customer_column, 'customer_column') -%}
{%- endif -%}
{%- set price = salesfc.quoted(price_column) if price_column else 'null' -%}
{%- set customer = salesfc.quoted(customer_column) if customer_column else 'null' -%}

with source as (

    select
        *,
        {{ 'count(*)' if salesfc.drops_duplicates() else '1' }} as salesfc_copies
    from {{ source('salesfc', 'sales') }}
    {{ 'group by all' if salesfc.drops_duplicates() }}

),

renamed as (

    select
        {{ salesfc.unique_id() }} as unique_id,
        {%- for key in keys %}
        {{ salesfc.quoted(key) }} as key_{{ loop.index }},
        {%- endfor %}
        cast({{ salesfc.quoted(time_column) }} as string) as time_text,
        {{ salesfc.is_empty(salesfc.quoted(time_column), time_type) }} as time_is_empty,
        {{ salesfc.to_time(salesfc.quoted(time_column), time_type) }} as read_at,
        nullif(trim(cast({{ salesfc.quoted(quantity_column) }} as string)), '')
            as quantity_text,
        {{ salesfc.is_empty(salesfc.quoted(quantity_column), quantity_type) }}
            as quantity_is_empty,
        {{ salesfc.to_number(salesfc.quoted(quantity_column)) }} as quantity,
        {{ salesfc.finite(salesfc.to_number(price)) }} as price,
        cast({{ customer }} as string) as customer,
        cast(salesfc_copies as bigint) as copies
    from source

)

select
    *,
    {{ salesfc.believed_time('read_at') }} as sold_at,
    case
        when unique_id is null then 'a series key is empty'
        {{ salesfc.time_reasons('time_is_empty', 'read_at') }}
        when quantity_is_empty then null
        when quantity is null or isnan(quantity) then 'the quantity is not a number'
        when abs(quantity) = cast('infinity' as double) then 'the quantity is not finite'
        when abs(quantity) > 1e15 then 'the quantity is larger than 1e15'
    end as reject_reason
from renamed
