{#- The panel that Python reads: one row for each series and period, from its first sale to the end
    of the horizon. -#}
{{ config(**salesfc.by_month()) }}
{%- set known_columns = salesfc.setting('known_columns') -%}
{%- set past_columns = salesfc.setting('past_columns') -%}
{%- set has_known = salesfc.setting('covariates_identifier') != '' and known_columns != [] -%}
{%- set has_past = salesfc.setting('behaviour_identifier') != '' and past_columns != [] -%}
{%- set has_stock = salesfc.setting('stock_identifier') != '' -%}
{%- set price, customer = salesfc.price_column(), salesfc.setting('customer_column') -%}
{%- set taken = past_columns | map('lower') | list if has_past else [] -%}

{%- set joined = {} -%}
{%- if has_known -%}{%- do joined.update({'known': 'covariates'}) -%}{%- endif -%}
{%- if has_past -%}{%- do joined.update({'past': 'behaviour'}) -%}{%- endif -%}
{%- set numbered = [] -%}
{%- for name, table in joined.items() if salesfc.key_positions(table) -%}
    {%- do numbered.append(name) -%}
{%- endfor -%}

{#- Of covariates and behaviour the rows as they were read: their means are not kept by month. -#}
{%- set inputs = {'history': ref('int_salesfc__history')} -%}
{%- if has_known -%}
    {%- set rows = salesfc.staged_rows('covariates', known_columns, 'known__') -%}
    {%- do inputs.update({'known': rows}) -%}
{%- endif -%}
{%- if has_past -%}
    {%- set rows = salesfc.staged_rows('behaviour', past_columns, 'past__') -%}
    {%- do inputs.update({'past': rows}) -%}
{%- endif -%}
{%- if has_stock -%}
    {%- do inputs.update({'censored': ref('int_salesfc__censored')}) -%}
{%- endif -%}
{%- if customer -%}
    {%- do inputs.update({'sales': ref('int_salesfc__period_sales')}) -%}
{%- endif -%}
{%- set changed = salesfc.changed_months(inputs) -%}

{{ salesfc.noted(changed) }}
{{ salesfc.numbered_by_key(joined, numbered) if numbered }}
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
{%- if numbered %}
inner join series_key on history.unique_id = series_key.unique_id
{%- endif %}
{%- for name in joined %}
left join {{ name if name in numbered else ref('int_salesfc__' ~ name) ~ ' as ' ~ name }}
    on history.ts = {{ name }}.ts
    {%- if name in numbered %} and series_key.{{ name }}_number = {{ name }}.{{ name }}_number{% endif %}
{%- endfor %}
{%- if has_stock %}
left join {{ ref('int_salesfc__censored') }} as censored
    on history.unique_id = censored.unique_id and history.ts = censored.ts
{%- endif %}
{%- if customer and 'customers' not in taken %}
left join {{ ref('int_salesfc__period_sales') }} as sales
    on history.unique_id = sales.unique_id and history.ts = sales.ts
{%- endif %}
where {{ salesfc.is_changed('history.ts', changed) }}
