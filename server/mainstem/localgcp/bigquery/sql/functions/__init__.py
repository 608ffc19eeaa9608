"""BigQuery's functions, one family a module.

A function is either a set of signatures with a DuckDB template (`signatures`), or a handler that
builds its value from an `Invocation`. A name that no family knows is refused by the analyzer.
Functions see values and types only: nothing here reads a catalog or runs SQL.
"""
