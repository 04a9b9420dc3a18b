{#- Features of time that are the same for all series, 0/1 or about [-1, 1]. -#}
{%- set is_daily = salesfc.setting('frequency') == 'day' -%}
{%- set frequency = salesfc.setting('frequency') -%}
{%- set period_days = {'day': 1, 'week': 7, 'month': 31}[frequency] -%}
{%- set year_angle = '2 * pi() * dayofyear(period.ts) / 365.25' -%}

with period as (

    select {{ salesfc.periods_between('first_ts', 'last_ts') }} as ts
    from {{ ref('int_salesfc__calendar_span') }}

)

select
    period.ts,
    {%- if is_daily %}
    {%- for number in range(1, 8) %}
    case when {{ salesfc.weekday('period.ts') }} = {{ number }} then 1.0 else 0.0 end
        as weekday_{{ number }},
    {%- endfor %}
    case when {{ salesfc.weekday('period.ts') }} >= 6 then 1.0 else 0.0 end as is_weekend,
    (day(period.ts) - 16) / 15 as day_of_month,
    case when day(period.ts) = 1 then 1.0 else 0.0 end as is_month_start,
    case when month(period.ts + 1) <> month(period.ts) then 1.0 else 0.0 end as is_month_end,
    {%- endif %}
    (weekofyear(period.ts) - 27) / 26 as week_of_year,
    (2 * month(period.ts) - 13) / 11 as month_of_year,
    (2 * quarter(period.ts) - 5) / 3 as quarter_of_year,
    {%- for order in [1, 2, 3] %}
    sin({{ order }} * {{ year_angle }}) as year_sin_{{ order }},
    cos({{ order }} * {{ year_angle }}) as year_cos_{{ order }},
    {%- endfor %}
    {%- for name in salesfc.holiday_names() %}
    max(
        case
            when {{ salesfc.holiday_name('holiday.name') }} = {{ salesfc.literal(name) }} then 1.0
            else 0.0
        end
    ) as {{ salesfc.quoted(name, 'holiday__') }},
    {%- endfor %}
    count(distinct case when holiday.is_day_off then holiday.ts end)
    / {{ period_days }} as is_holiday,
    coalesce(min(
        case
            when near.ts >= period.ts then {{ salesfc.days_between('period.ts', 'near.ts') }}
        end
    ), 14) / 14 as days_to_holiday,
    coalesce(min(
        case
            when near.ts <= period.ts then {{ salesfc.days_between('near.ts', 'period.ts') }}
        end
    ), 14) / 14 as days_since_holiday
from period
left join {{ ref('int_salesfc__holiday') }} as holiday
    on {{ salesfc.period_of('holiday.ts') }} = period.ts
left join {{ ref('int_salesfc__holiday') }} as near
    on
        near.is_day_off
        and near.ts between period.ts - 14 and period.ts + 14
group by period.ts
