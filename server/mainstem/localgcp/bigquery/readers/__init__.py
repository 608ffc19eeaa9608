"""Files as rows: what load jobs copy and external tables query.

The one law of this package: BigQuery's strictness, not DuckDB's leniency. Every value is read as
text and parsed by rules of our own, so that `1.5` is no INT64 and a row with one value too many
is an error, with BigQuery's message and the place in the file.

`scan` builds DuckDB SQL from an external configuration, a schema and files; `diagnosis` says
which records are bad, once a scan has failed. Nothing here may know of jobs or HTTP.
"""
