"""SQL on PostgreSQL and DuckDB, with the properties of the reference's JDBC tasks."""
