with trips as (

    select * from {{ source('lake', 'trips') }}

)

select
    to_hex(md5(concat(coalesce(vendor_id, ''), '|', cast(pickup_at as string), '|', cast(zone_id as string)))) as trip_id,
    cast(vendor_id as int64) as vendor_id,
    pickup_at,
    date(pickup_at) as pickup_date,
    zone_id,
    miles,
    cast(fare as numeric) as fare,
    safe_divide(fare, miles) as fare_per_mile,
    farm_fingerprint(vendor_id) as vendor_hash
from trips
where pickup_at is not null
qualify row_number() over (partition by vendor_id, pickup_at, zone_id order by fare desc) = 1
