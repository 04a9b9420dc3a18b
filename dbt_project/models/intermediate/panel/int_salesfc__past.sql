{#- The behaviour table by period: the mean of each column over the period's rows. Where the table
    has customers, a group of too few of them is left out. -#}
{%- set is_on = salesfc.setting('behaviour_identifier') != '' %}
{%- set columns = salesfc.setting('past_columns') if is_on else [] %}

select
    {{- salesfc.key_names('behaviour', 'behaviour') if is_on }}
    {{ salesfc.period_of('behaviour.seen_at') }} as ts,
    {%- for column in columns %}
    {%- set mean = 'avg(behaviour.' ~ salesfc.quoted(column, 'past__') ~ ')' %}
    {{ salesfc.steady(mean) }}
        as {{ salesfc.quoted(column, 'past__') }},
    {%- endfor %}
    count(*) as rows_read
from {{ ref('stg_salesfc__behaviour') }} as behaviour
cross join {{ ref('int_salesfc__cutoff') }} as cutoff
where {{ salesfc.period_of('behaviour.seen_at') }} <= cutoff.cutoff
group by
    {{- salesfc.key_names('behaviour', 'behaviour') if is_on }}
    {{ salesfc.period_of('behaviour.seen_at') }}
{%- if salesfc.hides_small_groups('behaviour') %}
having count(distinct behaviour.customer) >= {{ salesfc.setting('min_customers') }}
{%- endif %}
