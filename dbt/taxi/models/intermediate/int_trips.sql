with all_trips as (
    select * from {{ ref('stg_green_trips') }}
    union all
    select * from {{ ref('stg_yellow_trips') }}
)

select *
from all_trips
where cast({{ dbt.date_trunc('month', 'pickup_at') }} as date) = source_month
