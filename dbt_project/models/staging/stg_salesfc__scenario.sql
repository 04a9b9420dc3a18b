{%- set names = {'scenario_id': 'scenario_id', 'filter': 'filter', 'from_date': 'from_date',
    'to_date': 'to_date', 'column': 'column_name', 'expression': 'expression'} %}
{%- set is_on = salesfc.setting('scenario_identifier') != '' %}
{%- for name in names if is_on -%}
{%- do salesfc.raw_type('scenario', name, 'scenario_identifier') -%}
{%- endfor %}
select
    {%- for name, ours in names.items() %}
    {{ 'cast(' ~ salesfc.quoted(name) ~ ' as string)' if is_on else 'cast(null as string)' }}
        as {{ ours }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- if is_on %}
from {{ source('salesfc', 'scenario') }}
{%- else %}
where false
{%- endif %}
