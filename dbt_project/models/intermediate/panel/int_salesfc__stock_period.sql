{#- Days with and without stock, by period. A period without stock on at least half of the days that
    were looked at is a stock-out: what was sold then is less than what was wanted. -#}
{%- set is_on = salesfc.setting('stock_identifier') != '' %}

with stock_day as (

    select
        {{- salesfc.key_names('stock', 'stock') if is_on }}
        cast(stock.seen_at as date) as seen_on,
        max(stock.on_hand) <= 0 as is_out
    from {{ ref('stg_salesfc__stock') }} as stock
    cross join {{ ref('int_salesfc__cutoff') }} as cutoff
    where
        stock.seen_at < cutoff.next_ts
        and stock.on_hand is not null
    group by {{ salesfc.key_names('stock', 'stock') if is_on }} cast(stock.seen_at as date)

)

select
    {{- salesfc.key_names('stock') if is_on }}
    {{ salesfc.period_of('seen_on') }} as ts,
    count(*) filter (where is_out) as stock_out_days,
    2 * count(*) filter (where is_out) >= count(*) as is_stock_out
from stock_day
group by {{ salesfc.key_names('stock') if is_on }} {{ salesfc.period_of('seen_on') }}
