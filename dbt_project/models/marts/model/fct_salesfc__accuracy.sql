{#- Accuracy by level, group, method and metric: each metric at each cutoff, then the mean over
    cutoffs. -#}
with grouped as (

    {%- for level in salesfc.accuracy_levels() %}
    {{ 'union all' if not loop.first }}
    select
        {{ salesfc.literal(level['name']) }} as level,
        {{ level['group_id'] }} as group_id,
        error.*
    from {{ ref('int_salesfc__backtest_error') }} as error
    {%- if level['columns'] %}
    inner join {{ ref('dim_salesfc__series') }} as series on error.unique_id = series.unique_id
    {%- endif %}
    {%- endfor %}

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
{{ 'union all' if not loop.first }}
select
    level,
    group_id,
    method,
    '{{ name }}' as metric_name,
    avg({{ name }}) as metric_value,
    cast(sum(n_forecasts) as bigint) as n_forecasts
from by_cutoff
where {{ name }} is not null
group by level, group_id, method
{%- endfor %}
