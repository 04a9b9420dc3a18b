{#- Warns when a table beside the sales has rows, but none of a series that is sold: its keys may be
    written otherwise, and all it tells would be lost. -#}
{{ config(severity='warn') }}
{%- set names, tables = ['series', 'covariates', 'behaviour', 'stock'], [] -%}
{%- for table in names if salesfc.setting(table ~ '_identifier') -%}
    {%- do tables.append(table) if salesfc.key_positions(table) -%}
{%- endfor -%}

{%- for table in tables %}
select
    '{{ table }}' as input,
    {{ salesfc.literal(salesfc.setting(table ~ '_identifier')) }} as source_table,
    count(*) as key_count
from (
    select distinct
        {{ salesfc.key_names(table) }}
        true as is_told
    from {{ ref('stg_salesfc__' ~ table) }}
) as told
left join {{ ref('int_salesfc__series_key') }} as series_key
    on {{ salesfc.on_keys(table, 'series_key', 'told') }}
having count(*) > 0 and count(series_key.unique_id) = 0
{{ 'union all' if not loop.last }}
{%- else %}
select 'none' as input
where false
{%- endfor %}
