{#- Columns that together are there once in each row, and once only. Of a table of periods only the
    series are gone through in which two rows may share one. -#}
{% test salesfc_unique_key(model, columns) %}
select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
{%- if columns | length == 2 and columns[1] == 'ts' %}
where {{ columns[0] }} in (
    select {{ columns[0] }}
    from {{ model }}
    group by {{ columns[0] }}
    having not coalesce({{ salesfc.days_differ('ts') }}, false)
) or {{ columns[0] }} is null
{%- endif %}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}
