{#- Sums of each kind of error, one row a series, cutoff, method and part of the horizon: what every
    metric at every level is made of. -#}
{%- set ahead = dbt.datediff('cutoff', 'ts', salesfc.setting('frequency')) %}

with error as (

    select
        unique_id,
        cutoff,
        method,
        {{ salesfc.horizon_bucket(ahead) }} as horizon_bucket,
        quantity,
        forecast,
        quantity between lower_bound and upper_bound as is_covered,
        {%- for name, ends in salesfc.intervals().items() %}
        {%- set low = salesfc.item_of('quantiles', ends[0]) %}
        {%- set high = salesfc.item_of('quantiles', ends[1]) %}
        quantity between {{ low }} and {{ high }}
            as is_covered_{{ name }},
        {%- endfor %}
        {{ salesfc.quantile_loss('quantity', 'levels', 'quantiles') }} as quantile_loss
    from {{ ref('fct_salesfc__backtest') }}
    where quantity is not null

)

select
    error.unique_id,
    error.cutoff,
    error.method,
    error.horizon_bucket,
    count(*) as n,
    {{ salesfc.error_sums('error') }},
    sum(error.quantile_loss) as quantile_loss,
    count(*) filter (where error.is_covered) as n_covered,
    {%- for name in salesfc.intervals() %}
    count(*) filter (where error.is_covered_{{ name }}) as n_covered_{{ name }},
    {%- endfor %}
    scale.absolute_scale,
    scale.squared_scale
from error
left join {{ ref('int_salesfc__backtest_scale') }} as scale
    on error.unique_id = scale.unique_id and error.cutoff = scale.cutoff
group by
    error.unique_id,
    error.cutoff,
    error.method,
    error.horizon_bucket,
    scale.absolute_scale,
    scale.squared_scale
