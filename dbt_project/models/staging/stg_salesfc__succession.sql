{#- What each series replaces, from the series table: a unique_id, or a value of its first key. -#}
{%- set column = salesfc.setting('successor_column') %}
{%- if salesfc.setting('series_identifier') and column %}
{%- do salesfc.raw_type('series', column, 'successor_column') %}
select
    {{- salesfc.key_columns('series') }}
    nullif(trim(cast({{ salesfc.quoted(column) }} as string)), '') as replaces
from {{ source('salesfc', 'series') }}
{%- else %}
select cast(null as string) as replaces
where false
{%- endif %}
