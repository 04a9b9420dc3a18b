{#- Forecasts of the past beside what came: at each backtest cutoff, by every method. A period that
    does not count (a stock-out, a gap on a line between its neighbours) has no quantity. -#}
{%- set fills = 'interpolate' in [salesfc.setting('gaps'), salesfc.setting('missing')] %}
{%- set columns = ['quantity', 'mask'] + (['known_from'] if fills else []) %}
select
    prediction.unique_id,
    cast(prediction.cutoff as date) as cutoff,
    cast(prediction.ts as date) as ts,
    prediction.method,
    case
        when observations.mask{{ ' and observations.known_from is null' if fills }}
            then observations.quantity
    end as quantity,
    prediction.forecast,
    prediction.median,
    prediction.lower_bound,
    prediction.upper_bound,
    prediction.levels,
    prediction.quantiles
from {{ ref('int_salesfc__backtest_prediction') }} as prediction
left join {{ salesfc.held_out(columns) }} as observations
    on prediction.unique_id = observations.unique_id and prediction.ts = observations.ts
