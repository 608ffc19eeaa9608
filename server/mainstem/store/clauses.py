"""Trees of conditions to WHERE clauses; each list says which fields it has."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, false, func, not_, or_, true

from mainstem.errors import InvalidInput
from mainstem.model.duration import parse_duration
from mainstem.model.query import Group, Leaf, Op

Clause = ColumnElement[bool]
Field = Callable[[Leaf], Clause]


def clause(node: Group | Leaf, fields: Mapping[str, Field]) -> Clause:
    """Raises InvalidInput for a field that the list does not have."""
    if isinstance(node, Leaf):
        field = fields.get(node.field)
        if field is None:
            known = ", ".join(sorted(fields))
            raise InvalidInput(f"there is no filter `{node.field}` here (known: {known})")
        return field(node)
    parts = [clause(member, fields) for member in node.members]
    if node.any:
        return or_(false(), *parts)
    return and_(true(), *parts)


def is_below(column: ColumnElement[Any], namespace: str) -> Clause:
    """Whether a namespace lies below another; LIKE of SQLite would take `A.b` for one below `a`."""
    start = f"{namespace}."
    return func.substr(column, 1, len(start)) == start


def text_field(column: ColumnElement[Any]) -> Field:
    """Compares text."""

    def compare(leaf: Leaf) -> Clause:
        return _text(column, leaf)

    return compare


def _text(column: ColumnElement[Any], leaf: Leaf) -> Clause:
    compare = _TEXT.get(leaf.op)
    if compare is None:
        raise leaf.refused(", ".join(_TEXT))
    return compare(column, leaf)


_TEXT: Final[Mapping[Op, Callable[[ColumnElement[Any], Leaf], Clause]]] = {
    Op.EQUALS: lambda column, leaf: column == leaf.value,
    Op.NOT_EQUALS: lambda column, leaf: column.is_distinct_from(leaf.value),
    Op.IN: lambda column, leaf: column.in_(leaf.values),
    Op.NOT_IN: lambda column, leaf: column.not_in(leaf.values),
    Op.STARTS_WITH: lambda column, leaf: column.startswith(leaf.value, autoescape=True),
    Op.ENDS_WITH: lambda column, leaf: column.endswith(leaf.value, autoescape=True),
    Op.CONTAINS: lambda column, leaf: column.icontains(leaf.value, autoescape=True),
    Op.NOT_CONTAINS: lambda column, leaf: not_(column.icontains(leaf.value, autoescape=True)),
    Op.PREFIX: lambda column, leaf: (column == leaf.value) | is_below(column, leaf.value),
    Op.IS_NULL: lambda column, _: column.is_(None),
    Op.IS_NOT_NULL: lambda column, _: column.is_not(None),
}


def contains_field(*columns: ColumnElement[Any]) -> Field:
    """Text in any of the columns, as the search box has it."""

    def compare(leaf: Leaf) -> Clause:
        text = leaf.value.strip().strip("*")
        if not text:
            return true()
        found = or_(*(column.icontains(text, autoescape=True) for column in columns))
        return not_(found) if leaf.op in (Op.NOT_EQUALS, Op.NOT_CONTAINS) else found

    return compare


def choice_field(column: ColumnElement[Any], read: Callable[[str], object]) -> Field:
    """Values out of a fixed set; `read` raises InvalidInput for another one."""

    def compare(leaf: Leaf) -> Clause:
        match leaf.op:
            case Op.EQUALS | Op.IN:
                return column.in_([read(item) for item in leaf.values])
            case Op.NOT_EQUALS | Op.NOT_IN:
                return column.not_in([read(item) for item in leaf.values])
        raise leaf.refused("EQUALS, NOT_EQUALS, IN or NOT_IN")

    return compare


def number_field(column: ColumnElement[Any], read: Callable[[str], object]) -> Field:
    """Whatever has an order: numbers, levels, moments."""

    def compare(leaf: Leaf) -> Clause:
        if leaf.op in (Op.IS_NULL, Op.IS_NOT_NULL):
            return column.is_(None) if leaf.op is Op.IS_NULL else column.is_not(None)
        if leaf.op in (Op.IN, Op.NOT_IN):
            found = column.in_([read(item) for item in leaf.values])
            return not_(found) if leaf.op is Op.NOT_IN else found
        value = read(leaf.value)
        match leaf.op:
            case Op.EQUALS:
                return column == value
            case Op.NOT_EQUALS:
                return column != value
            case Op.GREATER_THAN:
                return column > value
            case Op.LESS_THAN:
                return column < value
            case Op.GREATER_THAN_OR_EQUAL_TO:
                return column >= value
            case Op.LESS_THAN_OR_EQUAL_TO:
                return column <= value
        raise leaf.refused("EQUALS, NOT_EQUALS, GREATER_THAN, LESS_THAN, …_OR_EQUAL_TO, IN")

    return compare


def within_field(column: ColumnElement[Any], now: datetime) -> Field:
    """No longer ago than a duration."""

    def compare(leaf: Leaf) -> Clause:
        try:
            edge = now - parse_duration(leaf.value)
        except OverflowError as error:
            raise InvalidInput(f"timeRange `{leaf.value}` is too long") from error
        if leaf.op in (Op.NOT_EQUALS, Op.LESS_THAN, Op.LESS_THAN_OR_EQUAL_TO):
            return column < edge
        return column >= edge

    return compare


def moment_of(text: str) -> datetime:
    """An ISO date-time; one without a zone is UTC. Raises InvalidInput."""
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "+"))
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"`{text}` is not an ISO date-time") from error


def whole_number(text: str) -> int:
    """Raises InvalidInput for what no column holds."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidInput(f"`{text}` is not a number of 0 or more")
    return int(text)
