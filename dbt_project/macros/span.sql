{#- Stretches of days with sales, more than a year apart, and whether they are believed, of a relation
    of `sold_on` and `n_rows`. A mistyped year would move the cutoff of all series, so few rows that
    stand apart from all others are not believed: at most 1 % of the rows or three, and fewer than
    elsewhere. In a table of less than 100 rows it takes five years. Nothing looks at a clock: the same
    table gives the same answer any day. -#}
{% macro sold_stretches(sold_day) -%}
    with spaced as (

        select
            sold_on,
            n_rows,
            sum(n_rows) over () as all_rows,
            {{ salesfc.days_between('lag(sold_on) over (order by sold_on)', 'sold_on') }} as gap
        from {{ sold_day }}

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
        first_on,
        last_on,
        n_rows,
        n_rows = most_rows or n_rows > greatest(3, all_rows / 100) as is_believed
    from stretched
{%- endmacro %}
