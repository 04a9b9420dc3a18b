{#- What each group and series was worth before each backtest cutoff: revenue of as many periods as
    the horizon has, units where no price is known (M5 weighs by the last 28 days' dollars). -#}
with cutoffs as (

    select distinct cutoff
    from {{ ref('fct_salesfc__backtest') }}

),

worth as (

    select
        observations.unique_id,
        cutoffs.cutoff,
        {%- set units = 'case when observations.mask then observations.quantity end' %}
        {{ salesfc.steady('sum(coalesce(sales.revenue, ' ~ units ~ '))') }} as weight
    from {{ ref('int_salesfc__observations') }} as observations
    inner join cutoffs
        on
            observations.ts <= cutoffs.cutoff
            and observations.ts
            > {{ salesfc.period_add('cutoffs.cutoff', -salesfc.setting('horizon')) }}
    left join {{ ref('int_salesfc__period_sales') }} as sales
        on observations.unique_id = sales.unique_id and observations.ts = sales.ts
    group by observations.unique_id, cutoffs.cutoff

)

select
    member.level,
    member.group_id,
    worth.cutoff,
    {{ salesfc.steady('sum(worth.weight)') }} as weight
from worth
inner join {{ ref('int_salesfc__group_member') }} as member on worth.unique_id = member.unique_id
group by member.level, member.group_id, worth.cutoff

union all

select
    'series' as level,
    unique_id as group_id,
    cutoff,
    weight
from worth
