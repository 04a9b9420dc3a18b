{#- Accuracy by level, group, method and metric: each metric at each cutoff, then the mean over
    cutoffs, in ten digits, which the order of summing leaves as they are. -#}
{%- set sums = salesfc.summed_columns() -%}
{%- set of_quantiles = sums[sums.index('quantile_loss'):] -%}
{%- set by_class = {'name': 'demand_class', 'group_id': 'series.demand_class', 'columns': [1]} -%}
{%- set levels = salesfc.accuracy_levels() + [by_class] -%}

with whole as (

    select
        unique_id,
        cutoff,
        method,
        {%- for name in sums %}
        sum({{ name }}) as {{ name }},
        {%- endfor %}
        absolute_scale,
        squared_scale
    from {{ ref('int_salesfc__backtest_error') }}
    group by unique_id, cutoff, method, absolute_scale, squared_scale

),

grouped as (

    {%- for level in levels %}
    select
        {{ salesfc.literal(level['name']) }} as level,
        {{ level['group_id'] }} as group_id,
        error.cutoff,
        error.method,
        {%- for name in sums %}
        error.{{ name }},
        {%- endfor %}
        error.absolute_scale,
        error.squared_scale
    from whole as error
    {%- if level['columns'] %}
    inner join {{ ref('dim_salesfc__series') }} as series on error.unique_id = series.unique_id
    {%- endif %}

    union all

    {%- endfor %}
    select
        'horizon' as level,
        horizon_bucket as group_id,
        cutoff,
        method,
        {%- for name in sums %}
        {{ name }},
        {%- endfor %}
        absolute_scale,
        squared_scale
    from {{ ref('int_salesfc__backtest_error') }}

    union all

    select
        'total:' || level as level,
        group_id,
        cutoff,
        method,
        {%- for name in sums %}
        {{ 'cast(null as double) as ' if name in of_quantiles }}{{ name }},
        {%- endfor %}
        absolute_scale,
        squared_scale
    from {{ ref('int_salesfc__backtest_total_error') }}

),

by_cutoff as (

    select
        level,
        group_id,
        method,
        cutoff,
        cast(sum(n) as bigint) as n_forecasts,
        {%- for name, formula in salesfc.metrics().items() %}
        {{ formula }} as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from grouped
    group by level, group_id, method, cutoff

)
{%- for name in salesfc.metrics() %}

select
    level,
    group_id,
    method,
    '{{ name }}' as metric_name,
    {{ salesfc.ten_digits('avg(' ~ name ~ ')') }} as metric_value,
    cast(sum(n_forecasts) as bigint) as n_forecasts
from by_cutoff
where {{ name }} is not null
group by level, group_id, method

union all
{%- endfor %}

select
    level,
    group_id,
    method,
    metric_name,
    {{ salesfc.ten_digits('metric_value') }} as metric_value,
    n_forecasts
from {{ ref('int_salesfc__backtest_wrmsse') }}
