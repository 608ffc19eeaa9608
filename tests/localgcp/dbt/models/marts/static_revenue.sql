{{
    config(
        materialized='incremental',
        incremental_strategy='insert_overwrite',
        partition_by={'field': 'pickup_date', 'data_type': 'date'},
        partitions=["date '2024-01-02'"]
    )
}}

select pickup_date, sum(fare) as revenue
from {{ ref('fct_trips') }}
{% if is_incremental() %}
where pickup_date = date '2024-01-02'
{% endif %}
group by pickup_date
