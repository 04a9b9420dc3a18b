{#- Contributions sum to the forecast. -#}
select
    explanation.unique_id,
    explanation.ts,
    sum(explanation.contribution) as contributions,
    max(forecast.forecast) as forecast
from {{ ref('fct_salesfc__explanation') }} as explanation
inner join {{ ref('fct_salesfc__forecast') }} as forecast
    on explanation.unique_id = forecast.unique_id and explanation.ts = forecast.ts
group by explanation.unique_id, explanation.ts
having
    abs(sum(explanation.contribution) - max(forecast.forecast))
    > 0.0001 * greatest(1, max(forecast.forecast))
