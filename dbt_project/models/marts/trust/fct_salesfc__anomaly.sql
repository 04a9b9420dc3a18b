{#- Past periods outside the interval that would have been published before them, and what may
    explain it: no stock, a known column that is not what it mostly was in the last year (a promotion,
    say), a holiday, a weekend that is worked. A stock-out, which does not count elsewhere, counts here. -#}
{%- set has_known = salesfc.setting('covariates_identifier') != '' -%}
{%- set known_columns = salesfc.setting('known_columns') if has_known else [] -%}
{%- set frequency = salesfc.setting('frequency') -%}
{%- set year = {'day': 364, 'week': 52, 'month': 12}[frequency] %}

with published as (

    select *
    from {{ ref('fct_salesfc__backtest') }}
    where method = 'published'
    {%- if salesfc.setting('backtest_dates') %}
    -- chosen dates may lie less than a horizon apart: the last forecast of a period counts
    qualify row_number() over (partition by unique_id, ts order by cutoff desc) = 1
    {%- endif %}

),

judged as (

    select
        backtest.unique_id,
        backtest.ts,
        observations.quantity,
        not observations.mask as is_stock_out,
        backtest.median as expected,
        backtest.lower_bound,
        backtest.upper_bound,
        {%- for column in known_columns %}
        observations.{{ salesfc.quoted(column, 'known__') }},
        {%- endfor %}
        (backtest.upper_bound - backtest.lower_bound) / 2 as half_width
    from published as backtest
    inner join {{ ref('int_salesfc__observations') }} as observations
        on backtest.unique_id = observations.unique_id and backtest.ts = observations.ts
    where observations.quantity not between backtest.lower_bound and backtest.upper_bound

),

usual as (

    select
        {%- for column in known_columns %}
        {{ salesfc.quantile_of('observations.' ~ salesfc.quoted(column, 'known__'), 0.5) }}
            as {{ salesfc.quoted(column, 'known__') }},
        {%- endfor %}
        observations.unique_id
    from {{ ref('int_salesfc__observations') }} as observations
    cross join {{ ref('int_salesfc__cutoff') }} as cutoff
    where
        observations.ts > {{ salesfc.period_add('cutoff.cutoff', -year) }}
        and observations.ts <= cutoff.cutoff
        {%- if frequency == 'day' %}
        -- Each fifth day tells as much of a year, and of each weekday alike, in less memory.
        and {{ salesfc.days_between('observations.ts', 'cutoff.cutoff') }} % 5 = 0
        {%- endif %}
    group by observations.unique_id

),

holiday as (

    select
        {{ salesfc.period_of('ts') }} as ts,
        coalesce(min(case when is_day_off then name end), min(name)) as name
    from {{ ref('int_salesfc__holiday') }}
    group by {{ salesfc.period_of('ts') }}

)

select
    judged.unique_id,
    judged.ts,
    judged.quantity,
    judged.expected,
    judged.lower_bound,
    judged.upper_bound,
    abs(judged.quantity - judged.expected) / greatest(judged.half_width, 0.5) as score,
    nullif(concat_ws(
        ', ',
        case when judged.is_stock_out then 'stock-out' end,
        {%- for column in known_columns %}
        {%- set name = salesfc.quoted(column, 'known__') %}
        case
            when abs(judged.{{ name }} - usual.{{ name }}) > 0.05 * abs(usual.{{ name }}) + 0.000001
                then {{ salesfc.literal(column) }}
        end,
        {%- endfor %}
        holiday.name
    ), '') as explained_by
from judged
inner join usual on judged.unique_id = usual.unique_id
left join holiday on judged.ts = holiday.ts
