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

with trained as (

    select * from {{ ref('int_salesfc__trained_model') }}

)

select
    {{ salesfc.registry_columns(stage) }}
from trained
{%- if is_incremental() %}

union all

select
    {{ salesfc.registry_columns(salesfc.demoted_stage() ~ ' as stage') }}
from {{ salesfc.rows_before(this) }} as before
where {{ salesfc.registry_changes() }}
    and before.model_version not in (select trained.model_version from trained)
{%- endif %}
