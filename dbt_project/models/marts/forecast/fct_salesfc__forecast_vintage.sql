{#- Every forecast ever published: rows are only ever added, each build's later than all before. -#}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    full_refresh=false,
) }}

{%- set made_at = "cast('" ~ run_started_at.strftime('%Y-%m-%d %H:%M:%S') ~ "' as timestamp)" %}
{%- if is_incremental() %}{% set made_at = salesfc.after_all(made_at, 'made_at', this) %}{% endif %}

select
    unique_id,
    ts,
    cutoff,
    forecast,
    median,
    lower_bound,
    upper_bound,
    confidence_level,
    method,
    model_version,
    {{ made_at }} as made_at,
    '{{ invocation_id }}' as invocation_id
from {{ ref('fct_salesfc__forecast') }}
