"""The bodies of REST v2 requests and answers: pydantic models in, plain dictionaries out.

The one law of this package: every field of a request is either kept, refused by its name, or an
output-only field that clients send back; there is no fourth kind.

Nothing here may touch DuckDB or the warehouse: these modules translate words, they do not act.
"""
