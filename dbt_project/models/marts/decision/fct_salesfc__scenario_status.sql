{#- Whether each row of the scenario table was followed, and how far to trust the answer. -#}
with checked as (

    select
        *,
        count(reason) over (partition by scenario_id) > 0 as is_scenario_refused
    from {{ ref('int_salesfc__scenario_check') }}

)

select
    scenario_id,
    filter,
    from_date,
    to_date,
    column_name,
    expression,
    case when is_scenario_refused then 'refused' else 'ok' end as status,
    case
        when reason is not null then reason
        when is_scenario_refused then 'another row of this scenario was refused'
    end as reason,
    series,
    periods,
    evidence_periods,
    evidence_periods_all,
    'The effect is what the model learnt from '
    || cast(evidence_periods as string) || ' such periods of these series and '
    || cast(evidence_periods_all as string) || ' of all: an estimate, not a proof.'
    || case
        when evidence_periods_all = 0 then ' It has never seen such a change.' else ''
    end as note
from checked
