{#- Totals of what was forecast at each backtest cutoff, and of what came, over the series whose
    sales of the period are known. -#}
select
    member.level,
    member.group_id,
    backtest.cutoff,
    backtest.method,
    backtest.ts,
    {{ salesfc.steady('sum(backtest.quantity)') }} as quantity,
    {{ salesfc.steady('sum(backtest.forecast)') }} as forecast
from {{ ref('fct_salesfc__backtest') }} as backtest
inner join {{ ref('int_salesfc__group_member') }} as member
    on backtest.unique_id = member.unique_id
where backtest.quantity is not null
group by member.level, member.group_id, backtest.cutoff, backtest.method, backtest.ts
