{#- The covariates table by period: the mean of each column over the period's rows. -#}
{%- set is_on = salesfc.setting('covariates_identifier') != '' %}
{%- set columns = salesfc.setting('known_columns') if is_on else [] %}

select
    {{- salesfc.key_names('covariates', 'covariates') if is_on }}
    {{ salesfc.period_of('covariates.seen_at') }} as ts,
    {%- for column in columns %}
    avg(covariates.{{ salesfc.quoted(column, 'known__') }})
        as {{ salesfc.quoted(column, 'known__') }},
    {%- endfor %}
    count(*) as rows_read
from {{ ref('stg_salesfc__covariates') }} as covariates
cross join {{ ref('int_salesfc__cutoff') }} as cutoff
where {{ salesfc.period_of('covariates.seen_at') }} <= cutoff.last_ts
group by
    {{- salesfc.key_names('covariates', 'covariates') if is_on }}
    {{ salesfc.period_of('covariates.seen_at') }}
