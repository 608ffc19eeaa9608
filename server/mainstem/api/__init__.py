"""The HTTP API in the reference's shape: `/api/v1/…`, and `/api/v1/main/…` for tenant clients.

Law: a route turns a request into one call of a service and its answer into wire form; it decides
nothing. `create_api` mounts every router.
Must not import store, storage, secrets, loops or the composition root.
"""
