{#- Tables by period of which a new day changes little: only the months whose input has changed are
    made anew.

    What such a table was made of stands in its comment: a digest of the model, its settings and the
    engine, and one for each month of the rows that it read. It is written in the transaction that
    makes the table, so that rows and digests never disagree, whatever is interrupted or built alone.
    A table without one, or made otherwise, is made whole; so is one of which most has changed, and
    every table with --full-refresh. -#}

{#- What is to be made anew, asked of the database when a model is built: `months`, the first days of those
    whose input is another (none: the whole table), and what the table is then `made_of`.
    `inputs`: SQL of the relations that are read, by name, each row with its `ts`. A row of the table hangs
    on those of its month alone or, with `and_later`, on those before it as well: then all periods `since` the
    first such month are made anew, also those of which no input tells. -#}
{% macro changed_months(inputs, and_later=false) -%}
    {{ return(adapter.dispatch('changed_months', 'salesfc')(inputs, and_later)) }}
{%- endmacro %}

{% macro default__changed_months(inputs, and_later) -%}
    {%- if not execute or model.resource_type == 'unit_test' or flags.WHICH not in ['build', 'run']
        or config.get('materialized') != 'by_month' -%}
        {%- do return({'months': none, 'made_of': {}}) -%}
    {%- endif -%}
    {%- if salesfc.setting('memory_limit') %}{% do run_query(salesfc.limit_memory()) %}{% endif -%}
    {%- set digests %}
    select
        cast(month as string) as month,
        cast(sum(digest) as string) as digest
    from (
        {%- for name, rows in inputs.items() %}
        select
            cast(date_trunc('month', input_row.ts) as date) as month,
            cast(hash({{ salesfc.literal(name) }}, input_row) as hugeint) as digest
        from {{ rows }} as input_row
        where input_row.ts is not null
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ) as digested
    group by month
    {%- endset %}
    {%- set now = {} -%}
    {%- for row in run_query(digests).rows -%}{%- do now.update({row[0]: row[1]}) -%}{%- endfor -%}
    {%- set made_of = {'by': salesfc.made_by(), 'months': now} -%}
    {%- set before = {} if should_full_refresh() else salesfc.made_of_before() -%}
    {%- if before.by != made_of.by -%}{%- do return({'months': none, 'made_of': made_of}) -%}{%- endif -%}
    {%- set changed, known = [], before.months -%}
    {%- for month in (now.keys() | list + known.keys() | list) | unique | sort -%}
        {%- if now.get(month) != known.get(month) or and_later and changed -%}{%- do changed.append(month) -%}{%- endif -%}
    {%- endfor -%}
    {%- do return({
        'months': none if 2 * changed | length > now | length else changed,
        'since': changed[0] if and_later and changed else none,
        'made_of': made_of,
    }) -%}
{%- endmacro %}

{% macro spark__changed_months(inputs, and_later) -%}{{ return({'months': none, 'made_of': {}}) }}{%- endmacro %}

{#- Rows of a staged table by period, as SQL: what `changed_months` looks at. -#}
{% macro staged_rows(table, columns, prefix) -%}
    (
        select
            {{- salesfc.key_names(table, 'staged') }}
            {%- for column in columns %}
            staged.{{ salesfc.quoted(column, prefix) }},
            {%- endfor %}
            {{- ' staged.customer,' if table == 'behaviour' and salesfc.hides_small_groups(table) }}
            {{ salesfc.period_of('staged.seen_at') }} as ts
        from {{ ref('stg_salesfc__' ~ table) }} as staged
    )
{%- endmacro %}

{#- A digest of the macros and models that make the panel. It is written down here because nothing tells a
    model what its macros are; a test compares it with the files and says what it has to be. -#}
{% macro panel_code() %}{{ return('4ffe5daf5d333d92') }}{% endmacro %}

{#- A digest of what makes a model's rows beside what they are read from. Of a cutoff the rows tell; how
    models are trained and how much memory there is change none. -#}
{% macro made_by() %}
    {%- set parts = [salesfc.panel_code(), run_query('select version()').rows[0][0], model.raw_code] -%}
    {%- for name in salesfc.settings_table() if name not in ['cutoff', 'train', 'memory_limit'] -%}
        {%- do parts.append(salesfc.setting(name)) -%}
    {%- endfor -%}
    {%- for table in ['sales', 'covariates', 'behaviour', 'stock'] -%}
        {%- do parts.append(salesfc.raw_columns(table)) -%}
    {%- endfor -%}
    {%- do return(local_md5(tojson(parts))) -%}
{% endmacro %}

{#- Whether a period is to be made anew, as a condition; true where all are. -#}
{% macro is_changed(ts, changed) -%}
    {%- if changed.months is none -%}
        true
    {%- elif changed.since -%}
        {{ ts }} >= date '{{ changed.since }}'
    {%- elif changed.months -%}
        date_trunc('month', {{ ts }}) in (
            {%- for month in changed.months %}date '{{ month }}'{{ ', ' if not loop.last }}{% endfor -%}
        )
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro %}
