{#- Whose history a series gets: that of the series it replaces, named by its unique_id or, the
    other keys being the same, by its first key. Series whose predecessors go round in a circle get
    none. Of several names for one key the least is taken, as of attributes. -#}
{%- set column, table = salesfc.setting('successor_column'), salesfc.setting('series_identifier') %}
{%- if column and table and salesfc.key_positions('series') %}
{%- set n_keys = salesfc.setting('series_keys') | length %}
{%- set first_key = salesfc.key_positions('series')[0] %}
with recursive named as (

    select
        series_key.unique_id,
        min(succession.replaces) as replaces
    from {{ ref('int_salesfc__series_key') }} as series_key
    inner join {{ ref('stg_salesfc__succession') }} as succession
        on {{ salesfc.on_keys('series', 'series_key', 'succession') }}
    where succession.replaces is not null
    group by series_key.unique_id

),

linked as (

    select
        named.unique_id,
        named.replaces,
        coalesce(by_id.unique_id, by_key.unique_id) as predecessor
    from named
    inner join {{ ref('int_salesfc__series_key') }} as own on named.unique_id = own.unique_id
    left join {{ ref('int_salesfc__series_key') }} as by_id on named.replaces = by_id.unique_id
    left join {{ ref('int_salesfc__series_key') }} as by_key
        on
            named.replaces = by_key.key_{{ first_key }}
            {%- for k in range(1, n_keys + 1) if k != first_key %}
            and own.key_{{ k }} = by_key.key_{{ k }}
            {%- endfor %}

),

ancestry as (

    select
        unique_id,
        predecessor as ancestor
    from linked
    union
    select
        ancestry.unique_id,
        linked.predecessor as ancestor
    from ancestry
    inner join linked on ancestry.ancestor = linked.unique_id

),

circular as (

    select unique_id
    from ancestry
    where ancestor = unique_id

)

select
    linked.unique_id,
    linked.replaces,
    case when circular.unique_id is null then linked.predecessor end as predecessor,
    case
        when circular.unique_id is not null
            then '{{ column }} ' || linked.replaces || ': predecessors go round in a circle, '
                || 'so its own history alone is used'
        when linked.predecessor is null
            then '{{ column }} ' || linked.replaces || ': there is no such series, '
                || 'so its own history alone is used'
        else 'it replaces ' || linked.predecessor || ' and has its history'
    end as note
from linked
left join circular on linked.unique_id = circular.unique_id
{%- else %}
select
    cast(null as string) as unique_id,
    cast(null as string) as replaces,
    cast(null as string) as predecessor,
    cast(null as string) as note
where false
{%- endif %}
