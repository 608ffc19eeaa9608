{{
    config(
        materialized='incremental',
        unique_key='trip_id',
        partition_by=only_on('bigquery', {
            'field': 'pickup_at', 'data_type': 'timestamp', 'granularity': 'month'
        }),
        cluster_by=only_on('bigquery', ['taxi', 'pickup_location_id'])
    )
}}

-- Trips arrive as whole files, and a backfill brings old ones late: what is new is told by the file
-- and not by the newest date. A file that changed needs --full-refresh.
select
    trips.trip_id,
    trips.taxi,
    trips.source_file,
    trips.vendor_id,
    coalesce(trips.rate_code_id, 0) as rate_code_id,
    coalesce(trips.payment_type_id, 0) as payment_type_id,
    payment_types.payment_type,
    trips.trip_type_id,
    trips.was_stored,

    trips.pickup_at,
    trips.dropoff_at,
    cast(
        {{ dbt.datediff('trips.pickup_at', 'trips.dropoff_at', 'second') }} / 60.0
        as {{ dbt.type_numeric() }}
    ) as minutes,

    trips.pickup_location_id,
    pickup_zones.borough as pickup_borough,
    pickup_zones.zone as pickup_zone,
    trips.dropoff_location_id,
    dropoff_zones.borough as dropoff_borough,
    dropoff_zones.zone as dropoff_zone,

    trips.passengers,
    trips.miles,
    trips.fare_amount,
    trips.extra_amount,
    trips.mta_tax_amount,
    trips.tip_amount,
    trips.tolls_amount,
    trips.improvement_amount,
    trips.congestion_amount,
    trips.total_amount,
    trips.total_amount < 0 as is_void
from {{ ref('int_trips') }} as trips
inner join {{ ref('dim_zones') }} as pickup_zones
    on trips.pickup_location_id = pickup_zones.location_id
inner join {{ ref('dim_zones') }} as dropoff_zones
    on trips.dropoff_location_id = dropoff_zones.location_id
left join {{ ref('payment_types') }} as payment_types
    on coalesce(trips.payment_type_id, 0) = payment_types.payment_type_id

{% if is_incremental() %}
where trips.source_file not in (select distinct source_file from {{ this }})
{% endif %}
