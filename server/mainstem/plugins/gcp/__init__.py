"""Google Cloud tasks: Cloud Storage and BigQuery, through Google's own client libraries.

Endpoints come from the server's settings; no task knows whether it talks to Google or to a local
Google Cloud.
"""
