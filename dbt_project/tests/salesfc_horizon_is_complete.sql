{#- Every series that is not skipped has each future period once, and no other. -#}
with published as (

    select
        forecast.unique_id,
        count(*) as n_rows,
        min(forecast.ts) as first_ts,
        max(forecast.ts) as last_ts
    from {{ ref('fct_salesfc__forecast') }} as forecast
    group by forecast.unique_id

)

select
    series.unique_id,
    series.status,
    published.n_rows
from {{ ref('fct_salesfc__series_status') }} as series
cross join {{ ref('int_salesfc__cutoff') }} as cutoff
left join published on series.unique_id = published.unique_id
where
    case
        when series.status = 'skipped' then published.n_rows is not null
        else coalesce(published.n_rows, 0) <> {{ salesfc.setting('horizon') }}
            or published.first_ts <> cutoff.next_ts
            or published.last_ts <> cutoff.last_ts
    end
