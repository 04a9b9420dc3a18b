{#- From the first period of all series to the end of the horizon; no row if no series has one. -#}
select
    min(first_ts) as first_ts,
    max(last_ts) as last_ts
from {{ ref('int_salesfc__series_span') }}
having count(*) > 0
