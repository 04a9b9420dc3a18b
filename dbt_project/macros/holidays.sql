{#- A holiday's name without what stands in brackets: (observed), (substituted from ...). -#}
{% macro holiday_name(expression) -%}
    trim(regexp_replace({{ expression }}, ' *[(].*$', ''))
{%- endmacro %}

{#- Names of the holidays in the calendar; none while parsing, and before the table of holidays is
    there. -#}
{% macro holiday_names() %}
    {%- set holidays = ref('int_salesfc__holiday') -%}
    {%- if not execute or model.resource_type == 'unit_test' or load_relation(holidays) is none -%}{%- do return([]) -%}{%- endif -%}
    {%- set query = 'select distinct ' ~ salesfc.holiday_name('name') ~ ' as name from ' ~ holidays ~ ' order by name' -%}
    {%- do return(run_query(query).columns[0].values() | list) -%}
{% endmacro %}
