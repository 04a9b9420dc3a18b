{#- What came of the rows of each table of the input. Of values after the cutoff nothing is said, so
    that they change no table. -#}
{%- set names = ['sales', 'series', 'covariates', 'behaviour', 'stock'] -%}
{%- set tables = [] -%}
{%- for table in names if salesfc.setting(table ~ '_identifier') -%}
    {%- do tables.append(table) -%}
{%- endfor -%}

with table_rows as (
    {%- for table in tables %}
    {{ 'union all' if not loop.first }}
    select
        '{{ table }}' as input,
        {{ salesfc.literal(salesfc.setting(table ~ '_identifier')) }} as source_table,
        {{ 'coalesce(sum(copies), 0)' if table == 'sales' else 'count(*)' }} as row_count,
        {{ 'coalesce(sum(copies - 1), 0)' if table == 'sales' else '0' }} as rows_duplicate
    from {{ ref('stg_salesfc__' ~ table) }}
    {%- if table == 'sales' and salesfc.setting('cutoff') %}
    where coalesce(sold_at < (select next_ts from {{ ref('int_salesfc__cutoff') }}), true)
    {%- elif table in ['covariates', 'behaviour', 'stock'] %}
    where coalesce(
        {{ salesfc.period_of('seen_at') }}
        <= (
            select {{ 'last_ts' if table == 'covariates' else 'cutoff' }}
            from {{ ref('int_salesfc__cutoff') }}
        ),
        true
    )
    {%- endif %}
    {%- endfor %}

),

by_reason as (

    select
        input,
        reason,
        sum(row_count) as rows_rejected,
        sum(row_count - 1) as copies_rejected,
        row_number() over (partition by input order by sum(row_count) desc, reason) as place
    from {{ ref('int_salesfc__rejected_row') }}
    group by input, reason

),

rejected as (

    select
        input,
        sum(rows_rejected) as rows_rejected,
        sum(copies_rejected) as copies_rejected,
        max(case when place = 1 then reason end) as main_reason
    from by_reason
    group by input

)

select
    table_rows.input,
    table_rows.source_table,
    cast(table_rows.row_count as bigint) as row_count,
    cast(
        table_rows.rows_duplicate - coalesce(rejected.copies_rejected, 0)
    as bigint) as rows_duplicate,
    cast(coalesce(rejected.rows_rejected, 0) as bigint) as rows_rejected,
    rejected.main_reason
from table_rows
left join rejected on table_rows.input = rejected.input
