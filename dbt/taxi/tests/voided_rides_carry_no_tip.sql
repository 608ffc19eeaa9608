-- A ride that was taken back is booked with negative amounts; nobody tips for it.
select trip_id, fare_amount, tip_amount
from {{ ref('fct_trips') }}
where is_void and tip_amount > 0
