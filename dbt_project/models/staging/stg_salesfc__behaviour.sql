{%- set time_column, columns = salesfc.setting('time_column'), salesfc.setting('past_columns') %}
{%- if salesfc.setting('behaviour_identifier') %}
{%- set time_type = salesfc.raw_type('behaviour', time_column, 'time_column') %}
select
    {{- salesfc.key_columns('behaviour') }}
    {{ salesfc.believed_time(salesfc.to_time(salesfc.quoted(time_column), time_type)) }} as seen_at,
    cast({{ salesfc.quoted(time_column) }} as string) as time_text,
    {%- for column in columns %}
    {{ salesfc.to_feature('behaviour', column) }} as {{ salesfc.quoted(column, 'past__') }},
    {%- endfor %}
    {%- if salesfc.hides_small_groups('behaviour') %}
    cast({{ salesfc.quoted(salesfc.setting('customer_column')) }} as string) as customer,
    {%- endif %}
    {{ salesfc.reject_reason('behaviour', columns) }} as reject_reason,
    true as is_behaviour
from {{ source('salesfc', 'behaviour') }}
{%- else %}
select
    cast(null as timestamp) as seen_at,
    cast(null as string) as time_text,
    cast(null as string) as reject_reason,
    false as is_behaviour
where false
{%- endif %}
