{#- The quantities that count of each series, up to the cutoff, as one list in the order of time:
    what is summed over it is the same on every build. A sum in the order of threads differs in its
    last digit. -#}
select
    unique_id,
    {{ salesfc.listed('quantity', 'ts') }} as quantities
from {{ ref('int_salesfc__observations') }}
where mask
group by unique_id
