with unnested as (

    select
        unique_id,
        cast(ts as date) as ts,
        cast(cutoff as date) as cutoff,
        {{ salesfc.unnested({'quantile': 'levels', 'forecast': 'quantiles'}) }}
    from {{ ref('int_salesfc__prediction') }}

)

select
    unique_id,
    ts,
    cutoff,
    quantile,
    forecast
from unnested
where round(quantile, 6) in ({{ salesfc.setting('quantiles') | join(', ') }})
