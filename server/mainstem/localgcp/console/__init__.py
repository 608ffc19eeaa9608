"""The console page: what the cloud's web console would show, read-only.

The one law: looking changes nothing. Pages are rendered here from the emulators' own read
functions, work without JavaScript, load nothing from elsewhere, and show of secrets their names
and the states of their versions, never a value.

`app.create_app` is the way in. Pages read BigQuery through `bigquery.console`, Cloud Storage
through its HTTP API, secrets through summaries handed in; nothing here opens a file of theirs.
"""
