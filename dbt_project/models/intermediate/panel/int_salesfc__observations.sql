{#- The panel that Python reads: one row for each series and period, from its first sale to the end
    of the horizon. -#}
{%- set known_columns = salesfc.setting('known_columns') -%}
{%- set past_columns = salesfc.setting('past_columns') -%}
{%- set has_known = salesfc.setting('covariates_identifier') != '' and known_columns != [] -%}
{%- set has_past = salesfc.setting('behaviour_identifier') != '' and past_columns != [] -%}
{%- set has_stock = salesfc.setting('stock_identifier') != '' -%}
{%- set price, customer = salesfc.price_column(), salesfc.setting('customer_column') -%}
{%- set taken = past_columns | map('lower') | list if has_past else [] -%}

select
    history.unique_id,
    history.ts,
    history.quantity,
    history.quantity is not null
    {{- ' and censored.ts is null' if has_stock }} as mask
    {%- if 'interpolate' in [salesfc.setting('gaps'), salesfc.setting('missing')] %},
    history.quantity_before,
    history.known_from
    {%- endif %}
    {%- for column in known_columns if has_known %},
    known.{{ salesfc.quoted(column, 'known__') }}
    {%- endfor %}
    {%- for column in past_columns if has_past %},
    past.{{ salesfc.quoted(column, 'past__') }}
    {%- endfor %}
    {%- if price and 'price' not in taken %},
    history.price as past__price
    {%- endif %}
    {%- if customer and 'customers' not in taken %},
    cast(sales.customers as double) as past__customers
    {%- endif %}
    {{- salesfc.derived_past(price) if has_past }}
from {{ ref('int_salesfc__history') }} as history
{%- if has_known or has_past %}
inner join {{ ref('int_salesfc__series_key') }} as series_key
    on history.unique_id = series_key.unique_id
{%- endif %}
{%- if has_known %}
left join {{ ref('int_salesfc__known') }} as known
    on history.ts = known.ts and {{ salesfc.on_keys('covariates', 'series_key', 'known') }}
{%- endif %}
{%- if has_past %}
left join {{ ref('int_salesfc__past') }} as past
    on history.ts = past.ts and {{ salesfc.on_keys('behaviour', 'series_key', 'past') }}
{%- endif %}
{%- if has_stock %}
left join {{ ref('int_salesfc__censored') }} as censored
    on history.unique_id = censored.unique_id and history.ts = censored.ts
{%- endif %}
{%- if customer and 'customers' not in taken %}
left join {{ ref('int_salesfc__period_sales') }} as sales
    on history.unique_id = sales.unique_id and history.ts = sales.ts
{%- endif %}
