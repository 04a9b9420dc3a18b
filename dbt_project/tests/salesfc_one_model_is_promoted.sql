{#- At most one model makes the forecasts. -#}
select count(*) as n_promoted
from {{ ref('salesfc__model_registry') }}
where stage = 'promoted'
having count(*) > 1
