{#- The covariates table by period: the mean of each column over the period's rows. A view: rows of
    series that have one a period are not written once more, which takes longer than joining them.
    Which half is read was asked when it was made: what reads new covariates has to be built with it. -#}
{{ config(materialized='view') }}
{%- set is_on = salesfc.setting('covariates_identifier') != '' %}
{%- set columns = salesfc.setting('known_columns') if is_on else [] %}
{%- set keys = salesfc.key_names('covariates', 'covariates') if is_on else '' %}
{%- set means = ref('int_salesfc__known_mean') %}
{%- set staged, cutoff = ref('stg_salesfc__covariates'), ref('int_salesfc__cutoff') %}
{%- set period = salesfc.period_of('covariates.seen_at') %}
{%- set are_summed = salesfc.has_rows(means) %}
{%- set is_asked = are_summed is not none %}
{% if are_summed or not is_asked -%}
select
    {{- salesfc.key_names('covariates') if is_on }}
    ts,
    {%- for column in columns %}
    {{ salesfc.quoted(column, 'known__') }},
    {%- endfor %}
    rows_read
from {{ means }}
{% endif %}
{{- '\nunion all\n' if not is_asked }}
{%- if not are_summed -%}
select
    {{- keys }}
    {{ period }} as ts,
    {%- for column in columns %}
    {%- set value = 'cast(covariates.' ~ salesfc.quoted(column, 'known__') ~ ' + 0 as double)' %}
    {{ salesfc.steady(value) }}
        as {{ salesfc.quoted(column, 'known__') }},
    {%- endfor %}
    cast(1 as bigint) as rows_read
from {{ staged }} as covariates
cross join {{ cutoff }} as cutoff
where
    {{ period }} <= cutoff.last_ts
    {{ 'and not exists (select 1 from ' ~ means ~ ')' if not is_asked }}
{%- endif %}
