{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key='trip_id',
        on_schema_change='append_new_columns',
        partition_by={'field': 'pickup_date', 'data_type': 'date', 'granularity': 'day'},
        cluster_by=['zone_id', 'vendor_id']
    )
}}

select
    trips.*,
    zones.zone,
    zones.borough
from {{ ref('stg_trips') }} as trips
left join {{ ref('zones') }} as zones using (zone_id)
{% if is_incremental() %}
where trips.pickup_at >= (select timestamp_sub(max(pickup_at), interval 1 day) from {{ this }})
{% endif %}
