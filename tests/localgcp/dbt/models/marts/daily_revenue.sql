{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by={'field': 'pickup_date', 'data_type': 'date'},
        require_partition_filter=false
    )
}}

select
    pickup_date,
    count(*) as trips,
    sum(fare) as revenue,
    array_agg(distinct borough ignore nulls order by borough) as boroughs,
    array_agg(struct(vendor_id, fare) order by fare desc limit 1)[offset(0)] as best
from {{ ref('fct_trips') }}
{% if is_incremental() %}
where pickup_date >= (select max(pickup_date) from {{ this }})
{% endif %}
group by pickup_date
