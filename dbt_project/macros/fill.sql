{#- The quantity, or if it is not known what the rule for its kind (gap, missing) makes of its
    neighbours. -#}
{% macro filled(gaps, missing) -%}
    case
        when quantity is not null or not is_past then quantity
        when is_gap then {{ salesfc.fill_from_neighbours(gaps) }}
        when is_unknown then {{ salesfc.fill_from_neighbours(missing) }}
    end
{%- endmacro %}

{#- Whether a quantity was filled by a line to a later neighbour: until that was known it was the last one. -#}
{% macro is_interpolated(gaps, missing) -%}
    quantity is null and is_past and next_known_ts is not null and last_known_ts is not null
    and ({{ 'is_gap' if gaps == 'interpolate' else 'false' }}
        or {{ 'is_unknown and not is_gap' if missing == 'interpolate' else 'false' }})
{%- endmacro %}

{% macro fill_from_neighbours(rule) -%}
    {%- if rule == 'forward' -%}
        last_quantity
    {%- elif rule == 'interpolate' -%}
        case
            when next_known_ts is null then last_quantity
            else last_quantity + (next_quantity - last_quantity)
                * {{ salesfc.days_between('last_known_ts', 'ts') }} / {{ salesfc.days_between('last_known_ts', 'next_known_ts') }}
        end
    {%- else -%}
        null
    {%- endif -%}
{%- endmacro %}
