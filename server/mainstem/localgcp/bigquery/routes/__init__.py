"""The REST routes: a body is read, the warehouse or the job runner is asked, JSON goes out.

The one law of this package: a route decides nothing. Rules of BigQuery live below it.
Every resource has a module of its own with a `router` function.
"""
