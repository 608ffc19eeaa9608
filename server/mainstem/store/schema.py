"""All tables: importing this module makes `metadata` complete."""

from mainstem.store import (
    tables_audit,
    tables_gitsync,
    tables_keys,
    tables_language,
    tables_namespaces,
    tables_operations,
    tables_seeds,
    tables_users,
    tables_work,
)
from mainstem.store.tables import metadata, schema_versions

__all__ = [
    "metadata",
    "schema_versions",
    "tables_audit",
    "tables_gitsync",
    "tables_keys",
    "tables_language",
    "tables_namespaces",
    "tables_operations",
    "tables_seeds",
    "tables_users",
    "tables_work",
]
