{#- The last period whose sales are read, and the last one that is forecast. Weekly and monthly
    sales that are dated by one weekday, or one day of the month, are whole periods; else the last
    period counts only if its last day has come. -#}
{%- set frequency, given = salesfc.setting('frequency'), salesfc.setting('cutoff') -%}
{%- set nothing = salesfc.setting('schema') ~ '.' ~ salesfc.setting('sales_identifier')
    ~ ' has no row with a series key and a readable time' ~ (' on or before ' ~ given if given)
    ~ '; there is nothing to forecast.' -%}

with readable as (

    select
        cast(sales.sold_at as date) as sold_on,
        sales.unique_id
    from {{ ref('stg_salesfc__sales') }} as sales
    inner join {{ ref('int_salesfc__sales_span') }} as span
        on cast(sales.sold_at as date) between span.first_on and span.last_on
    where sales.unique_id is not null

),

last_day as (

    select
        max(sold_on) as last_sold_on,
        {%- if given %}
        case when max(sold_on) is not null then date '{{ given }}' end as last_on,
        {%- else %}
        max(sold_on) as last_on,
        {%- endif %}
        {%- if frequency == 'week' %}
        count(distinct {{ salesfc.weekday('sold_on') }}) = 1 as has_one_day
        {%- elif frequency == 'month' %}
        count(distinct day(sold_on)) = 1 as has_one_day
        {%- else %}
        true as has_one_day
        {%- endif %}
    from readable

),

period as (

    select
        last_on,
        {{ salesfc.period_of('last_on') }} as ts,
        {{ salesfc.period_add(salesfc.period_of('last_on'), 1) }} - 1 as ends_on,
        has_one_day,
        {{ salesfc.days_between(salesfc.period_of('last_sold_on'), 'last_sold_on') }}
            as day_of_row
    from last_day

),

resolved as (

    select
        case
            when last_on is null then cast({{ salesfc.fail(nothing) }} as date)
            when last_on = ends_on then ts
            when has_one_day and {{ salesfc.days_between('ts', 'last_on') }} >= day_of_row then ts
            else {{ salesfc.period_add('ts', -1) }}
        end as cutoff
    from period

)

select
    cutoff,
    {{ salesfc.period_add('cutoff', 1) }} as next_ts,
    {{ salesfc.period_add('cutoff', salesfc.setting('horizon')) }} as last_ts
from resolved
