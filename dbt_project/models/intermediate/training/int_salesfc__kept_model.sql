{#- The promoted model and its challenger, each with its backtest models, as earlier builds and
    `salesfc models` left them. Models of one build were made at one moment. -#}
{{ config(materialized='view') }}

{%- set registry = salesfc.earlier_registry() -%}
{%- if registry %}

with in_place as (

    select
        created_at as made_at,
        stage as stage_of_build
    from {{ registry }}
    where role = 'production' and stage <> 'archived'

)

select
    {{ salesfc.registry_columns('in_place.stage_of_build as stage') }}
from {{ registry }} as models
inner join in_place on models.created_at = in_place.made_at
{%- else %}

select
    cast(null as string) as model_version,
    cast(null as string) as stage,
    cast(null as string) as role,
    cast(null as string) as network,
    cast(null as string) as preset,
    cast(null as date) as cutoff,
    cast(null as integer) as seed,
    cast(null as string) as config,
    cast(null as string) as metrics,
    cast(null as string) as data_hash,
    cast(null as string) as code_hash,
    cast(null as binary) as weights,
    cast(null as timestamp) as created_at
where 1 = 0
{%- endif %}
