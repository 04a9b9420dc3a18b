{#- A value as its type, or one line that says what would be right. Clean numbers given as text (the
    command line does that) are accepted. -#}
{% macro coerced(name, spec, value) %}
    {%- set type = spec['type'] -%}
    {%- if type in ['integer', 'number'] -%}
        {%- do return(salesfc.coerced_number(name, spec, value)) -%}
    {%- elif type == 'choice' -%}
        {%- set fits = value is string and value in spec['choices'] -%}
    {%- elif type == 'flag' -%}
        {%- set fits = value is boolean -%}
    {%- elif type == 'name' -%}
        {%- set fits = value is string and value | trim | length > 0 -%}
    {%- elif type == 'text' -%}
        {%- set fits = value is string -%}
    {%- elif type == 'table' -%}
        {%- set fits = value is string and value | trim | length > 0 and salesfc.is_plain(value) -%}
    {%- elif type == 'optional_table' -%}
        {%- set fits = value is string and salesfc.is_plain(value) -%}
    {%- elif type == 'names' -%}
        {%- set fits = salesfc.is_names(value) -%}
    {%- elif type == 'name_lists' -%}
        {%- set fits = value is sequence and value is not string and value is not mapping
            and value | length == value | map('string') | list | length -%}
        {%- set bad = namespace(n=0) -%}
        {%- if fits -%}
            {%- for level in value if not salesfc.is_names(level) or level | length == 0 -%}{%- set bad.n = 1 -%}{%- endfor -%}
        {%- endif -%}
        {%- set fits = fits and bad.n == 0 -%}
    {%- elif type == 'levels' -%}
        {%- do return(salesfc.coerced_levels(name, spec, value)) -%}
    {%- elif type == 'date' -%}
        {%- set value = value | string -%}
        {%- set fits = value == '' or salesfc.is_date(value) -%}
    {%- elif type == 'dates' -%}
        {%- set fits = salesfc.is_dates(value) -%}
    {%- elif type == 'region' -%}
        {%- set fits = value is string and modules.re.match('^([A-Z]{2,3}(-[A-Z0-9]{1,4})?)?$', value) is not none -%}
    {%- elif type == 'memory' -%}
        {%- set fits = value is string and modules.re.match('^([0-9]+(\\.[0-9]+)? ?([KMGT]i?B))?$', value) is not none -%}
    {%- endif -%}
    {%- if not fits -%}{%- do salesfc.refuse(name, spec, value) -%}{%- endif -%}
    {%- do return(value) -%}
{% endmacro %}


{#- A name that dbt can put between quotes as it is: it does not escape the names of schemas and
    tables, while every column name goes through `quoted`. -#}
{% macro is_plain(name) %}
    {%- do return(modules.re.search('["\'`\\\\;\\x00-\\x1f]', name) is none) -%}
{% endmacro %}


{#- A list of column names: text, none empty, none twice. -#}
{% macro is_names(value) %}
    {%- if value is string or value is mapping or value is not sequence -%}{%- do return(false) -%}{%- endif -%}
    {%- for name in value -%}
        {%- if name is not string or name | trim | length == 0 -%}{%- do return(false) -%}{%- endif -%}
    {%- endfor -%}
    {%- do return(value | map('lower') | unique | list | length == value | length) -%}
{% endmacro %}


{#- A list of dates, each later than the one before. -#}
{% macro is_dates(value) %}
    {%- if value is string or value is mapping or value is not sequence -%}{%- do return(false) -%}{%- endif -%}
    {%- for day in value -%}
        {%- if day is not string or not salesfc.is_date(day) or (not loop.first and day <= value[loop.index0 - 1]) -%}
            {%- do return(false) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do return(true) -%}
{% endmacro %}


{% macro is_date(text) %}
    {%- if modules.re.match('^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$', text) is none -%}
        {%- do return(false) -%}
    {%- endif -%}
    {%- set year, month, day = text[:4] | int, text[5:7] | int, text[8:] | int -%}
    {%- set leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) -%}
    {%- set days = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] -%}
    {%- do return(day <= days[month - 1]) -%}
{% endmacro %}


{% macro coerced_number(name, spec, value) %}
    {%- set pattern = '^-?[0-9]+$' if spec['type'] == 'integer' else '^-?[0-9]*\\.?[0-9]+$' -%}
    {%- if value is string and modules.re.match(pattern, value) is not none -%}
        {%- set value = value | int if spec['type'] == 'integer' else value | float -%}
    {%- endif -%}
    {%- set fits = value is number and value is not boolean and (spec['type'] == 'number' or value is integer) -%}
    {%- if fits and spec['type'] == 'integer' -%}
        {%- set fits = spec['min'] <= value and value <= spec['max'] -%}
    {%- elif fits -%}
        {%- set fits = spec['above'] < value and value < spec['below'] -%}
    {%- endif -%}
    {%- if not fits -%}{%- do salesfc.refuse(name, spec, value) -%}{%- endif -%}
    {%- do return(value) -%}
{% endmacro %}


{% macro coerced_levels(name, spec, value) %}
    {%- if value is string or value is mapping or value is not sequence or value | length == 0 -%}
        {%- do salesfc.refuse(name, spec, value) -%}
    {%- endif -%}
    {%- for level in value -%}
        {%- if level is not number or level is boolean or not (0 < level and level < 1)
            or (not loop.first and level <= value[loop.index0 - 1]) -%}
            {%- do salesfc.refuse(name, spec, value) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do return(value) -%}
{% endmacro %}
