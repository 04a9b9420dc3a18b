{{ config(materialized='view') }}

select
    unique_id,
    ts as ds,
    quantity as sales,
    forecast as sales__yhat,
    lower_bound as sales__yhat_lower,
    upper_bound as sales__yhat_upper
from {{ ref('fct_salesfc__sales_and_forecast') }}
