select
    unique_id,
    cast(ts as date) as ts,
    cast(cutoff as date) as cutoff,
    forecast,
    median,
    lower_bound,
    upper_bound,
    cast({{ salesfc.setting('confidence_level') }} as double) as confidence_level,
    method,
    model_version
from {{ ref('int_salesfc__prediction') }}
