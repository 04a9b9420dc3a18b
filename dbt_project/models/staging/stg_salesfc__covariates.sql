{%- set time_column, columns = salesfc.setting('time_column'), salesfc.setting('known_columns') %}
{%- if salesfc.setting('covariates_identifier') %}
{%- set time_type = salesfc.raw_type('covariates', time_column, 'time_column') %}
{%- set time = salesfc.believed_time(salesfc.to_time(salesfc.quoted(time_column), time_type)) %}
{%- set texts = salesfc.text_columns('covariates', columns) %}
{%- if texts %}
with so_far as (

    {{ salesfc.words_so_far('covariates', texts, 'cast(' ~ time ~ ' as date)') }}

)
{% endif %}
select
    {{- salesfc.key_columns('covariates') }}
    {{ time }} as seen_at,
    cast({{ salesfc.quoted(time_column) }} as string) as time_text,
    {%- for column in columns %}
    {{ salesfc.to_feature('covariates', column) }} as {{ salesfc.quoted(column, 'known__') }},
    {%- endfor %}
    {{ salesfc.reject_reason('covariates', columns) }} as reject_reason,
    true as is_covariates
from {{ source('salesfc', 'covariates') }}
{%- if texts %}
left join so_far on so_far.salesfc_day = cast({{ time }} as date)
{%- endif %}
{%- else %}
select
    cast(null as timestamp) as seen_at,
    cast(null as string) as time_text,
    cast(null as string) as reject_reason,
    false as is_covariates
where false
{%- endif %}
