{#- Lists on Spark. -#}

{% macro spark__list_of(type) -%}array<{{ type }}>{%- endmacro %}

{% macro spark__unnested(columns) -%}
    inline(arrays_zip({{ columns.values() | join(', ') }})) as ({{ columns.keys() | join(', ') }})
{%- endmacro %}

{% macro spark__listed(expression, order, condition) -%}
    transform(
        array_sort(collect_list(struct({{ order }} as place, {{ expression }} as item)){{ ' filter (where ' ~ condition ~ ')' if condition }}),
        pair -> pair.item
    )
{%- endmacro %}

{% macro spark__item_of(list, place) -%}element_at({{ list }}, {{ place }}){%- endmacro %}

{% macro spark__list_map(list, expression) -%}transform({{ list }}, item -> {{ expression }}){%- endmacro %}
{% macro spark__list_where(list, condition) -%}filter({{ list }}, item -> {{ condition }}){%- endmacro %}
{% macro spark__list_length(list) -%}size({{ list }}){%- endmacro %}

{% macro spark__list_sum(list) -%}
    case when size({{ list }}) > 0 then aggregate({{ list }}, cast(0 as double), (total, item) -> total + item) end
{%- endmacro %}

{% macro spark__list_mean(list) -%}
    ({{ salesfc.list_sum(list) }} / size({{ list }}))
{%- endmacro %}

{#- One pass: Welford, Technometrics 4, 1962. -#}
{% macro spark__list_deviation(list) -%}
    aggregate(
        {{ list }},
        named_struct('n', cast(0 as double), 'mean', cast(0 as double), 'squares', cast(0 as double)),
        (state, item) -> named_struct(
            'n', state.n + 1,
            'mean', state.mean + (item - state.mean) / (state.n + 1),
            'squares', state.squares + power(item - state.mean, 2) * state.n / (state.n + 1)
        ),
        state -> case when state.n > 1 then sqrt(state.squares / (state.n - 1)) end
    )
{%- endmacro %}
