select
    order_id,
    ordered_on,
    lower(customer) as customer,
    cast(amount as numeric) as amount
from {{ source('loaded', 'raw_orders') }}
