{#- Every model ever trained. One production model is promoted and makes the forecasts; at most one
    is its challenger, trained since and not good enough; the rest are archived. -#}
{{ config(
    materialized='incremental',
    unique_key='model_version',
    incremental_strategy=salesfc.registry_strategy(),
    pre_hook='{{ salesfc.keep_rows(this) }}',
    on_schema_change='fail',
    full_refresh=false,
) }}

{%- set stage = "case when role = 'production' then stage else 'archived' end as stage" %}

{%- set rows_before = salesfc.rows_before(this) %}

with trained as (

    select * from {{ ref('int_salesfc__trained_model') }}

)

{%- if not is_incremental() %}

select
    {{ salesfc.registry_columns(stage) }}
from trained
{%- else %},

{#- A kept model comes with the moment that it has; a new one is later than all. -#}
dated as (

    select
        trained.*,
        case
            when same.model_version is null
                then {{ salesfc.after_all('trained.created_at', 'created_at', rows_before) }}
            else trained.created_at
        end as moment
    from trained
    left join {{ rows_before }} as same
        on trained.model_version = same.model_version and trained.created_at = same.created_at

)

select
    {{ salesfc.registry_columns(stage, 'moment') }}
from dated

union all

select
    {{ salesfc.registry_columns(salesfc.demoted_stage() ~ ' as stage') }}
from {{ rows_before }} as before
where {{ salesfc.registry_changes() }}
    and before.model_version not in (select trained.model_version from trained)
{%- endif %}
