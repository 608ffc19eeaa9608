"""State in rows: SQLAlchemy Core on SQLite and PostgreSQL, one module per aggregate.

Law: functions in, domain values out. A function takes an open Connection (a transaction) first
and answers one question or makes one change; no SQL lives anywhere else.
Must not import services, storage, loops, API or pages.
"""
