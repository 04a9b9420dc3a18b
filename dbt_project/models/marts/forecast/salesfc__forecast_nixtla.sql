{{ config(materialized='view') }}

select
    unique_id,
    ts as ds,
    forecast as y_hat,
    median as y_hat_median,
    lower_bound as y_hat_lo,
    upper_bound as y_hat_hi,
    cutoff
from {{ ref('fct_salesfc__forecast') }}
