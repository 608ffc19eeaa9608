"""A BigQuery that runs on a laptop: REST API v2 over DuckDB, for the real client libraries.

The one law of this package: reject, never ignore. A statement, option or field that is not
supported is an error that names it, in BigQuery's own shape, and never a silent success.

`app.create_app` is the way in; `console` holds the read-only questions a console page asks.
Data and catalog live in one DuckDB file per project, so that they change in one transaction.

Nothing here may import the orchestrator (`mainstem.app`, `services`, `store`, `engine`, `sdk`,
`plugins`): local Google Cloud is a product of its own.
"""
