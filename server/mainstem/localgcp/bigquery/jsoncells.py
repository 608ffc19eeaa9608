"""Streamed values of JSON columns: they arrive as JSON text, at any depth of a row."""

from collections.abc import Mapping, Sequence

import orjson

from mainstem.localgcp.bigquery.sql.types import Field


class NotJson(ValueError):
    """A text that is no JSON, where a JSON column wants some."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(f"Invalid JSON value for field {field}: {text[:100]}")
        self.field = field


def with_json_parsed(row: object, schema: Sequence[Field]) -> object:
    """The row with the texts of its JSON columns read; the same row when it has none."""
    wanted = {field.name.casefold(): field for field in schema if _holds_json(field)}
    if not wanted or not isinstance(row, Mapping):
        return row
    return {
        key: _parsed(value, wanted[key.casefold()]) if key.casefold() in wanted else value
        for key, value in row.items()
    }


def _holds_json(field: Field) -> bool:
    return field.type == "JSON" or any(_holds_json(member) for member in field.fields)


def _parsed(value: object, field: Field) -> object:
    if field.is_repeated and isinstance(value, list):
        return [_single(item, field) for item in value]
    return _single(value, field)


def _single(value: object, field: Field) -> object:
    if field.type == "STRUCT":
        return with_json_parsed(value, field.fields)
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise NotJson(field.name, value) from None
