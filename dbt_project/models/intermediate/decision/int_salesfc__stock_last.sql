{#- The last count of stock up to the cutoff. Rows of one time (of shelves or places that are no
    series key) are added up. -#}
{%- set is_on = salesfc.setting('stock_identifier') != '' %}
{%- set keys = salesfc.key_names('stock', 'stock') if is_on else '' %}

with counted as (

    select
        {{- keys }}
        stock.seen_at,
        {{ salesfc.steady('sum(stock.on_hand)') }} as on_hand,
        {{ salesfc.steady('sum(stock.on_order)') }} as on_order
    from {{ ref('stg_salesfc__stock') }} as stock
    cross join {{ ref('int_salesfc__cutoff') }} as cutoff
    where
        stock.seen_at < cutoff.next_ts
        and stock.on_hand is not null
    group by {{ keys }} stock.seen_at

)

select
    {{- salesfc.key_names('stock') if is_on }}
    cast(seen_at as date) as counted_on,
    on_hand,
    coalesce(on_order, 0.0) as on_order
from counted
qualify row_number() over (
    {%- if is_on and salesfc.key_positions('stock') %}
    partition by {{ salesfc.key_names('stock').rstrip().rstrip(',') }}
    {%- endif %}
    order by seen_at desc
) = 1
