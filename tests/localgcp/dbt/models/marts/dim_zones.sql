select
    zone_id,
    zone,
    borough,
    struct(zone as name, borough as part) as place,
    date_trunc(date(updated_at), month) as month
from {{ ref('zones') }}
