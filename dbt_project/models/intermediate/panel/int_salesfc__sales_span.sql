{#- First and last day of the sales that are believed. A mistyped year would move the cutoff of all
    series, so few rows that stand more than a year apart from all others are not believed: at
    most 1 % of the rows or three, and fewer than elsewhere. In a table of less than 100 rows it
    takes five years. Nothing looks at a clock: the same table gives the same answer any day. -#}
{%- set given = salesfc.setting('cutoff') -%}

with sold_day as (

    select
        cast(sold_at as date) as sold_on,
        sum(copies) as n_rows
    from {{ ref('stg_salesfc__sales') }}
    where
        unique_id is not null
        and sold_at is not null
        {%- if given %}
        and cast(sold_at as date) <= date '{{ given }}'
        {%- endif %}
    group by cast(sold_at as date)

),

spaced as (

    select
        sold_on,
        n_rows,
        sum(n_rows) over () as all_rows,
        {{ salesfc.days_between('lag(sold_on) over (order by sold_on)', 'sold_on') }} as gap
    from sold_day

),

numbered as (

    select
        *,
        sum(case when gap > case when all_rows < 100 then 1826 else 366 end then 1 else 0 end)
            over (order by sold_on) as stretch
    from spaced

),

stretched as (

    select
        min(sold_on) as first_on,
        max(sold_on) as last_on,
        sum(n_rows) as n_rows,
        max(sum(n_rows)) over () as most_rows,
        max(max(all_rows)) over () as all_rows
    from numbered
    group by stretch

)

select
    min(first_on) as first_on,
    max(last_on) as last_on
from stretched
where n_rows = most_rows or n_rows > greatest(3, all_rows / 100)
