{#- Sums of each kind of error of totals, one row a level, group, cutoff and method, in the shape of
    int_salesfc__backtest_error; totals have no quantiles here. Series that are in the same groups are
    summed first, so that a period of a series is looked at once and not once a level. -#}
{%- set lag = {'day': 7, 'week': 1, 'month': 12}[salesfc.setting('frequency')] -%}

with cutoffs as (

    select distinct cutoff
    from {{ ref('fct_salesfc__backtest') }}

),

membership as (

    select
        unique_id,
        {{ salesfc.listed("level || '/' || group_id", 'level, group_id') }} as memberships
    from {{ ref('int_salesfc__group_member') }}
    group by unique_id

),

bundle as (

    select
        unique_id,
        min(unique_id) over (partition by memberships) as bundle
    from membership

),

bundled as (

    select
        bundle.bundle,
        observations.ts,
        {{ salesfc.steady('sum(observations.quantity)') }} as quantity
    from {{ ref('int_salesfc__observations') }} as observations
    inner join bundle on observations.unique_id = bundle.unique_id
    where observations.mask
    group by bundle.bundle, observations.ts

),

history as (

    select
        member.level,
        member.group_id,
        bundled.ts,
        {{ salesfc.steady('sum(bundled.quantity)') }} as quantity
    from bundled
    inner join {{ ref('int_salesfc__group_member') }} as member on bundled.bundle = member.unique_id
    group by member.level, member.group_id, bundled.ts

),

moved as (

    select
        *,
        quantity - lag(quantity, {{ lag }}) over past as season_step,
        quantity - lag(quantity, 1) over past as step
    from history
    window past as (partition by level, group_id order by ts)

),

scale as (

    select
        moved.level,
        moved.group_id,
        cutoffs.cutoff,
        nullif(avg(abs(moved.season_step)), 0) as absolute_scale,
        nullif(avg(power(moved.step, 2)), 0) as squared_scale
    from moved
    inner join cutoffs on moved.ts <= cutoffs.cutoff
    group by moved.level, moved.group_id, cutoffs.cutoff

)

select
    total.level,
    total.group_id,
    total.cutoff,
    total.method,
    count(*) as n,
    {{ salesfc.error_sums('total') }},
    scale.absolute_scale,
    scale.squared_scale
from {{ ref('int_salesfc__backtest_total') }} as total
left join scale
    on
        total.level = scale.level
        and total.group_id = scale.group_id
        and total.cutoff = scale.cutoff
group by
    total.level,
    total.group_id,
    total.cutoff,
    total.method,
    scale.absolute_scale,
    scale.squared_scale
