with published as (

    select
        unique_id,
        max(status) as status,
        max(reason) as reason,
        max(method) as method
    from {{ ref('int_salesfc__prediction') }}
    group by unique_id

)

select
    ledger.unique_id,
    coalesce(published.status, 'skipped') as status,
    nullif(concat_ws(
        '; ',
        case
            when published.unique_id is null then ledger.reason
            else nullif(published.reason, '')
        end,
        succession.note
    ), '') as reason,
    published.method,
    ledger.rows_read,
    ledger.rows_dropped,
    ledger.rows_rejected,
    ledger.rows_missing,
    ledger.outlier_periods,
    ledger.stock_out_days
from {{ ref('int_salesfc__series_ledger') }} as ledger
left join published on ledger.unique_id = published.unique_id
left join {{ ref('int_salesfc__succession') }} as succession
    on ledger.unique_id = succession.unique_id
