{#- How good published forecasts turned out to be, by how far ahead they looked: each vintage beside
    the sales that have arrived since. Of several builds at one cutoff the last one counts. -#}
with vintage as (

    select *
    from {{ ref('fct_salesfc__forecast_vintage') }}
    qualify row_number() over (partition by unique_id, ts, cutoff order by made_at desc) = 1

),

arrived as (

    select
        vintage.cutoff,
        {{ dbt.datediff('vintage.cutoff', 'vintage.ts', salesfc.setting('frequency')) }}
            as periods_ahead,
        observations.quantity,
        vintage.forecast,
        observations.quantity between vintage.lower_bound and vintage.upper_bound as is_covered,
        vintage.confidence_level
    from vintage
    inner join {{ ref('int_salesfc__observations') }} as observations
        on vintage.unique_id = observations.unique_id and vintage.ts = observations.ts
    where observations.mask

)

select
    cutoff,
    cast(periods_ahead as bigint) as periods_ahead,
    count(*) as n_forecasts,
    {{ salesfc.steady('sum(quantity)') }} as quantity,
    {{ salesfc.steady('sum(forecast)') }} as forecast,
    {{ salesfc.ten_digits('sum(abs(forecast - quantity))') }} as absolute_error,
    {{ salesfc.ten_digits('sum(abs(forecast - quantity)) / nullif(sum(abs(quantity)), 0)') }}
        as wape,
    {{ salesfc.ten_digits('sum(forecast - quantity) / nullif(sum(quantity), 0)') }} as bias,
    avg(cast(is_covered as integer)) as coverage,
    max(confidence_level) as confidence_level
from arrived
group by cutoff, periods_ahead
