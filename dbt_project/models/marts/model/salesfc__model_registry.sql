{#- Every model ever trained. A new production model is promoted and takes the place of the one
    before it, whose row stays. -#}
{{ config(
    materialized='incremental',
    unique_key='model_version',
    incremental_strategy='delete+insert',
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
    {{ salesfc.registry_columns("'archived' as stage") }}
from {{ this }}
where
    stage = 'promoted'
    and model_version not in (select model_version from trained)
    and exists (select 1 from trained where role = 'production')
{%- endif %}
