"""SQL on PostgreSQL, MySQL, SQLite and DuckDB, as the reference's JDBC tasks describe it."""
