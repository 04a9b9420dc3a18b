{#- A series without a network's forecast says why. -#}
select
    unique_id,
    status,
    reason
from {{ ref('fct_salesfc__series_status') }}
where status <> 'ok' and coalesce(reason, '') = ''
