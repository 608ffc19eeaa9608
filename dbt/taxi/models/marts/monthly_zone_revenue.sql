select
    cast({{ dbt.date_trunc('month', 'pickup_at') }} as date) as revenue_month,
    taxi,
    pickup_location_id,
    pickup_borough,
    pickup_zone,

    count(*) as trips,
    sum(case when is_void then 1 else 0 end) as voided_trips,
    sum(fare_amount) as fare_amount,
    sum(tip_amount) as tip_amount,
    sum(tolls_amount) as tolls_amount,
    sum(coalesce(congestion_amount, 0)) as congestion_amount,
    sum(total_amount) as total_amount,
    avg(passengers) as average_passengers,
    avg(miles) as average_miles,
    avg(minutes) as average_minutes
from {{ ref('fct_trips') }}
group by 1, 2, 3, 4, 5
