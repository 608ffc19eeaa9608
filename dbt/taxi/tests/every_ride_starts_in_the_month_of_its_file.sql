-- A meter with a wrong clock must not move revenue into another month.
select trip_id, pickup_at, source_file
from {{ ref('fct_trips') }}
where cast({{ dbt.date_trunc('month', 'pickup_at') }} as date) <> {{ file_month('source_file') }}
