{#- Every model ever trained. A new production model is promoted and takes the place of the one
    before it, whose row stays. -#}
{{ config(
    materialized='incremental',
    unique_key='model_version',
    incremental_strategy=salesfc.registry_strategy(),
    pre_hook='{{ salesfc.keep_rows(this) }}',
    on_schema_change='fail',
    full_refresh=false,
) }}

with trained as (

    select
        *,
        case when role = 'production' then 'promoted' else 'archived' end as stage
    from {{ ref('int_salesfc__trained_model') }}

)

select
    {{ salesfc.registry_columns() }}
from trained
{%- if is_incremental() %}

union all

select
    {{ salesfc.registry_columns(salesfc.demoted_stage() ~ ' as stage') }}
from {{ salesfc.rows_before(this) }} as before
where {{ salesfc.registry_changes() }}
    and before.model_version not in (select trained.model_version from trained)
{%- endif %}
