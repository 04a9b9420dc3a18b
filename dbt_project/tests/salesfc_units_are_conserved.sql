{#- Units read = in the panel + left out by a stated rule - added by one, for every series, to
    what is rounded away: a millionth at most of each sum of a period. -#}
with balance as (

    select
        *,
        units_read - units_duplicate - units_returned
        - units_clipped - units_before_first_sale - units_unknown
        + units_imputed - units_outlier + units_filled as units_explained
    from {{ ref('int_salesfc__series_ledger') }}

)

select
    unique_id,
    units_read,
    units_explained,
    units_in_panel
from balance
where
    abs(units_explained - units_in_panel)
    > 1e-9 * greatest(abs(units_read), abs(units_in_panel), 1.0) + 2e-6 * sqrt(rows_read)
