"""PARTITION BY: which of BigQuery's forms an expression is."""

from dataclasses import dataclass
from typing import Final

from mainstem.localgcp.bigquery.model import RangePartitioning, TimePartitioning
from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.problems import SqlProblem
from mainstem.localgcp.bigquery.sql.types import Field

_UNITS: Final = ("HOUR", "DAY", "MONTH", "YEAR")
_TRUNCATIONS: Final = {
    "DATE_TRUNC": "DATE",
    "TIMESTAMP_TRUNC": "TIMESTAMP",
    "DATETIME_TRUNC": "DATETIME",
}
_INGESTION: Final = frozenset({"_PARTITIONTIME", "_PARTITIONDATE"})


@dataclass(frozen=True, slots=True)
class Layout:
    time: TimePartitioning | None = None
    range: RangePartitioning | None = None


def read_partitioning(node: tree.Expr | None, fields: tuple[Field, ...]) -> Layout:
    """The partitioning an expression asks for."""
    if node is None:
        return Layout()
    if isinstance(node, tree.Path):
        return _by_column(node, fields)
    if isinstance(node, tree.Call):
        name = node.name
        if name == "RANGE_BUCKET":
            return _by_range(node, fields)
        if name == "DATE" and len(node.arguments) == 1:
            return _by_unit(node, "DAY", ("TIMESTAMP", "DATETIME"), fields)
        if name in _TRUNCATIONS and len(node.arguments) == 2:
            return _by_truncation(node, fields)
    raise _unsupported(node)


def _unsupported(node: tree.Expr) -> SqlProblem:
    return SqlProblem(
        "PARTITION BY expression must be DATE(<timestamp_column>), DATE(<datetime_column>), "
        "DATETIME_TRUNC(<datetime_column>, DAY/HOUR/MONTH/YEAR), a DATE column, "
        "TIMESTAMP_TRUNC(<timestamp_column>, DAY/HOUR/MONTH/YEAR), DATE_TRUNC(<date_column>, "
        "MONTH/YEAR), or RANGE_BUCKET(<int64_column>, GENERATE_ARRAY(<int64_value>, <int64_value>"
        "[, <int64_value>]))",
        node.at,
    )


def _field(node: tree.Expr, fields: tuple[Field, ...]) -> Field:
    if not isinstance(node, tree.Path) or len(node.names) != 1:
        raise _unsupported(node)
    wanted = node.names[0].text.casefold()
    found = next((each for each in fields if each.name.casefold() == wanted), None)
    if found is None:
        raise SqlProblem(f"Unrecognized name: {node.names[0].text}", node.at)
    return found


def _is_ingestion(node: tree.Expr) -> bool:
    return isinstance(node, tree.Path) and str(node).upper() in _INGESTION


def _by_column(node: tree.Path, fields: tuple[Field, ...]) -> Layout:
    if str(node).upper() == "_PARTITIONDATE":
        return Layout(TimePartitioning("DAY"))
    field = _field(node, fields)
    if field.type != "DATE" or field.is_repeated:
        raise _unsupported(node)
    return Layout(TimePartitioning("DAY", field.name))


def _by_unit(
    node: tree.Call, unit: str, kinds: tuple[str, ...], fields: tuple[Field, ...]
) -> Layout:
    argument = node.arguments[0]
    if _is_ingestion(argument):
        return Layout(TimePartitioning(unit))
    field = _field(argument, fields)
    if field.type not in kinds or field.is_repeated:
        raise _unsupported(node)
    return Layout(TimePartitioning(unit, field.name))


def _by_truncation(node: tree.Call, fields: tuple[Field, ...]) -> Layout:
    part = node.arguments[1]
    unit = str(part).upper() if isinstance(part, tree.Path) else ""
    kind = _TRUNCATIONS[node.name]
    if unit not in _UNITS or (kind == "DATE" and unit == "HOUR"):
        raise _unsupported(node)
    return _by_unit(node, unit, (kind,), fields)


def _by_range(node: tree.Call, fields: tuple[Field, ...]) -> Layout:
    if len(node.arguments) != 2:
        raise _unsupported(node)
    field, series = _field(node.arguments[0], fields), node.arguments[1]
    if field.type != "INT64" or not isinstance(series, tree.Call):
        raise _unsupported(node)
    bounds = [
        int(each.value, 0)
        for each in series.arguments
        if isinstance(each, tree.Literal) and each.type is not None and each.type.kind == "INT64"
    ]
    if series.name != "GENERATE_ARRAY" or len(bounds) != len(series.arguments):
        raise _unsupported(node)
    if len(bounds) not in (2, 3):
        raise _unsupported(node)
    step = bounds[2] if len(bounds) == 3 else 1
    return Layout(range=RangePartitioning(field.name, bounds[0], bounds[1], step))
