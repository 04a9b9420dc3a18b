{#- The means of covariates over a period's rows. Empty if DuckDB finds that each series has one row
    a period at most: those are read as they are, see sums.sql. -#}
{%- set is_on = salesfc.setting('covariates_identifier') != '' %}
{%- set columns = salesfc.setting('known_columns') if is_on else [] %}
{%- set keys = salesfc.key_names('covariates', 'covariates') if is_on else '' %}
{%- set on_keys = salesfc.on_keys('covariates', 'covariates', 'alone') if is_on else 'true' %}

{%- set rows_read %}
    select
        covariates.*,
        {{ salesfc.period_of('covariates.seen_at') }} as ts
    from {{ ref('stg_salesfc__covariates') }} as covariates
    cross join {{ ref('int_salesfc__cutoff') }} as cutoff
    where {{ salesfc.period_of('covariates.seen_at') }} <= cutoff.last_ts
{%- endset %}

{%- set key_list = keys.strip().rstrip(',') %}
{%- set who = salesfc.who_is_alone('(' ~ rows_read ~ ') as covariates', key_list) %}
{%- if who == 'some' %}
with alone as (

    select
        {{- keys }}
        count(*) > 0 as is_alone
    from ({{ rows_read }}) as covariates
    {{ 'group by ' ~ key_list if keys }}
    having {{ salesfc.days_differ('covariates.ts') }}

)
{%- endif %}
{% for is_alone in salesfc.halves('none' if who == 'all' else who) %}
select
    {{- keys }}
    covariates.ts,
    {%- for column in columns %}
    {%- set value = 'covariates.' ~ salesfc.quoted(column, 'known__') %}
    {{ salesfc.steady('cast(' ~ value ~ ' + 0 as double)' if is_alone else 'avg(' ~ value ~ ')') }}
        as {{ salesfc.quoted(column, 'known__') }},
    {%- endfor %}
    {{ 'cast(1 as bigint)' if is_alone else 'count(*)' }} as rows_read
from ({{ rows_read }}) as covariates
{%- if who == 'some' %}
left join alone on {{ on_keys }}
where alone.is_alone is {{ 'not ' if is_alone }}null
{%- endif %}
{%- if who == 'all' %}
where false
{%- endif %}
{%- if not is_alone %}
group by
    {{- keys }}
    covariates.ts
{%- endif %}
{{ 'union all' if not loop.last }}
{% endfor -%}
