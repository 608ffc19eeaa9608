"""The options of tables and datasets as OPTIONS(…) writes them, for INFORMATION_SCHEMA."""

import json
from collections.abc import Iterable

from mainstem.localgcp.bigquery.model import Dataset, Labels, Table

Option = tuple[str, str, str]
"""Name, GoogleSQL type, and value as a GoogleSQL literal."""


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _labels(labels: Labels) -> Option:
    pairs = ", ".join(f"STRUCT({_text(key)}, {_text(value)})" for key, value in labels)
    return "labels", "ARRAY<STRUCT<STRING, STRING>>", f"[{pairs}]"


def table_options(table: Table) -> Iterable[Option]:
    """Every option of a table that has a value."""
    for name, value in (("friendly_name", table.friendly_name), ("description", table.description)):
        if value is not None:
            yield name, "STRING", _text(value)
    if table.labels:
        yield _labels(table.labels)
    if table.expires is not None:
        moment = table.expires.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        yield "expiration_timestamp", "TIMESTAMP", f'TIMESTAMP "{moment}"'
    by_time = table.time_partitioning
    if by_time is not None and by_time.expiration_ms is not None:
        yield "partition_expiration_days", "FLOAT64", str(by_time.expiration_ms / 86_400_000)
    if table.require_partition_filter:
        yield "require_partition_filter", "BOOL", "true"
    if table.external is not None:
        yield "format", "STRING", _text(table.external.format)
        uris = ", ".join(_text(uri) for uri in table.external.uris)
        yield "uris", "ARRAY<STRING>", f"[{uris}]"


def dataset_options(dataset: Dataset) -> Iterable[Option]:
    """Every option of a dataset that has a value."""
    texts = (("friendly_name", dataset.friendly_name), ("description", dataset.description))
    for name, value in texts:
        if value is not None:
            yield name, "STRING", _text(value)
    if dataset.labels:
        yield _labels(dataset.labels)
    if dataset.default_table_expiration_ms is not None:
        days = str(dataset.default_table_expiration_ms / 86_400_000)
        yield "default_table_expiration_days", "FLOAT64", days
