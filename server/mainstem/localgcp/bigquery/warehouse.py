"""The open DuckDB instance with every project's file attached."""


class Warehouse:
    """One DuckDB instance: a file per project, a cursor per request, a writer at a time."""
