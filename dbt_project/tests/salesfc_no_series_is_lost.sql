{#- Every series of the input has a status, and every one with a readable row a place in the panel.
    -#}
select
    series_key.unique_id,
    status.unique_id is null as has_no_status
from {{ ref('int_salesfc__series_key') }} as series_key
left join {{ ref('fct_salesfc__series_status') }} as status
    on series_key.unique_id = status.unique_id
left join {{ ref('int_salesfc__series_span') }} as span
    on series_key.unique_id = span.unique_id
left join {{ ref('int_salesfc__series') }} as series
    on series_key.unique_id = series.unique_id
where
    status.unique_id is null
    or (span.unique_id is not null and series.unique_id is null)
