select
    location_id,
    borough,
    zone,
    service_zone,
    service_zone = 'Airports' or borough = 'EWR' as is_airport
from {{ ref('taxi_zones') }}
