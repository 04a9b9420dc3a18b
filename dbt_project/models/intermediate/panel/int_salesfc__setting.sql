{%- set seasons = {'day': 7, 'week': 52, 'month': 12} -%}
{%- set lags = {'day': 7, 'week': 1, 'month': 12} -%}
{%- set frequency = salesfc.setting('frequency') -%}

{%- for name in salesfc.settings_table() if name != 'cutoff' %}
select
    '{{ name }}' as name,
    {{ salesfc.literal(tojson(salesfc.setting(name))) }} as value
union all
{%- endfor %}
select
    'season_length' as name,
    '{{ seasons[frequency] }}' as value
union all
select
    'scale_lag' as name,
    '{{ lags[frequency] }}' as value
union all
select
    'package_version' as name,
    '"0.1.0"' as value
union all
select
    'cutoff' as name,
    '"' || cast(cutoff as string) || '"' as value
from {{ ref('int_salesfc__cutoff') }}
