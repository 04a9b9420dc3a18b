select
    category,
    column_name,
    whose,
    effect,
    standard_error,
    lower_bound,
    upper_bound,
    periods
from {{ ref('int_salesfc__effect') }}
