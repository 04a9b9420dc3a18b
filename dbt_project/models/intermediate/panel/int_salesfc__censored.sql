{#- Stock-outs that hide demand: those in which less was sold than in a usual period before, of the
    last ones with stock. To sell out on a busy day is no loss of knowledge: to leave such days out
    would leave out busy days, and forecasts would be low. What was filled was not sold, and of a day
    without stock only what could be read. -#}
{%- set is_on = salesfc.setting('stock_identifier') != '' %}
{%- set last = {'day': 28, 'week': 8, 'month': 6}[salesfc.setting('frequency')] %}
{%- set filled = 'is_unknown or (units_imputed > 0 and quantity <= units_imputed)' %}
{%- if salesfc.setting('gaps') != 'zero' %}
{%- set filled = filled ~ ' or is_gap' %}
{%- endif %}
{%- if is_on %}
with history as (

    select
        unique_id,
        ts,
        case when not ({{ filled }}) then quantity end as quantity,
        case when not ({{ filled }}) then quantity - units_imputed end as quantity_read
    from {{ ref('int_salesfc__history') }}

),

judged as (

    select
        history.unique_id,
        history.ts,
        history.quantity_read,
        coalesce(stock.is_stock_out, false) as is_stock_out,
        avg(case when not coalesce(stock.is_stock_out, false) then history.quantity end) over (
            partition by history.unique_id order by history.ts
            rows between {{ last }} preceding and 1 preceding
        ) as usual
    from history
    inner join {{ ref('int_salesfc__series_key') }} as series_key
        on history.unique_id = series_key.unique_id
    left join {{ ref('int_salesfc__stock_period') }} as stock
        on history.ts = stock.ts and {{ salesfc.on_keys('stock', 'series_key', 'stock') }}

)

select
    unique_id,
    ts
from judged
where is_stock_out and not coalesce(quantity_read > 0 and quantity_read >= usual, false)
{%- else %}
select
    cast(null as string) as unique_id,
    cast(null as date) as ts
where false
{%- endif %}
