select
    {{ row_id('unique_row_id') }} as trip_id,
    'yellow' as taxi,
    filename as source_file,
    {{ file_month('filename') }} as source_month,

    {{ dbt.safe_cast('VendorID', dbt.type_int()) }} as vendor_id,
    {{ dbt.safe_cast('RatecodeID', dbt.type_int()) }} as rate_code_id,
    {{ dbt.safe_cast('payment_type', dbt.type_int()) }} as payment_type_id,
    1 as trip_type_id,
    {{ dbt.safe_cast('PULocationID', dbt.type_int()) }} as pickup_location_id,
    {{ dbt.safe_cast('DOLocationID', dbt.type_int()) }} as dropoff_location_id,
    store_and_fwd_flag = 'Y' as was_stored,

    cast(tpep_pickup_datetime as {{ dbt.type_timestamp() }}) as pickup_at,
    cast(tpep_dropoff_datetime as {{ dbt.type_timestamp() }}) as dropoff_at,
    {{ dbt.safe_cast('passenger_count', dbt.type_int()) }} as passengers,
    cast(trip_distance as {{ dbt.type_numeric() }}) as miles,

    cast(fare_amount as {{ dbt.type_numeric() }}) as fare_amount,
    cast(extra as {{ dbt.type_numeric() }}) as extra_amount,
    cast(mta_tax as {{ dbt.type_numeric() }}) as mta_tax_amount,
    cast(tip_amount as {{ dbt.type_numeric() }}) as tip_amount,
    cast(tolls_amount as {{ dbt.type_numeric() }}) as tolls_amount,
    cast(null as {{ dbt.type_numeric() }}) as ehail_amount,
    cast(improvement_surcharge as {{ dbt.type_numeric() }}) as improvement_amount,
    cast(congestion_surcharge as {{ dbt.type_numeric() }}) as congestion_amount,
    cast(total_amount as {{ dbt.type_numeric() }}) as total_amount
from {{ source('loaded', 'yellow_tripdata') }}
