-- No trip may be lost or counted twice on the way into the monthly figures.
with by_month as (
    select taxi, sum(total_amount) as total, sum(trips) as trips
    from {{ ref('monthly_zone_revenue') }}
    group by taxi
),

by_trip as (
    select taxi, sum(total_amount) as total, count(*) as trips
    from {{ ref('fct_trips') }}
    group by taxi
)

select by_trip.taxi, by_trip.total as trips_total, by_month.total as months_total
from by_trip
left join by_month on by_trip.taxi = by_month.taxi
where
    by_month.taxi is null
    or by_trip.trips <> by_month.trips
    or abs(by_trip.total - by_month.total) > 0.01
