"""Jobs of services that move or transform data: started, followed to their end, cancelled."""
