{#- The columns of the registry, in order. -#}
{% macro registry_columns(stage='stage') -%}
    model_version,
    {{ stage }},
    role,
    network,
    preset,
    cast(cutoff as date) as cutoff,
    cast(seed as integer) as seed,
    cast(config as varchar) as config,
    cast(metrics as varchar) as metrics,
    data_hash,
    code_hash,
    weights,
    cast(created_at as timestamp) as created_at
{%- endmacro %}
