{%- set columns = salesfc.setting('static_columns') %}
{%- if salesfc.setting('series_identifier') %}
{%- for column in columns -%}{%- do salesfc.raw_type('series', column, 'static_columns') -%}{%- endfor %}
select
    {{- salesfc.key_columns('series') }}
    {%- for column in columns %}
    {{ salesfc.quoted(column) }} as {{ salesfc.quoted(column, 'static__') }},
    {%- endfor %}
    true as is_series
from {{ source('salesfc', 'series') }}
{%- else %}
select false as is_series
where false
{%- endif %}
