{#- Every forecast ever published: rows are only ever added. -#}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='fail',
    full_refresh=false,
) }}

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
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp) as made_at,
    '{{ invocation_id }}' as invocation_id
from {{ ref('fct_salesfc__forecast') }}
