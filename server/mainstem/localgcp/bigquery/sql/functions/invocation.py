"""A call as a function's handler sees it, and the signatures most functions are made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.binding import once
from mainstem.localgcp.bigquery.sql.coercion import coerce, coercion_cost, supertype
from mainstem.localgcp.bigquery.sql.constants import BadConstant
from mainstem.localgcp.bigquery.sql.problems import SqlProblem
from mainstem.localgcp.bigquery.sql.types import INT64, STRING, Type, array_of
from mainstem.localgcp.bigquery.sql.values import Scope, Value


class Expressions(Protocol):
    """The part of the analyzer that functions need."""

    aggregate_filter: str

    def expression(self, node: tree.Expr, scope: Scope) -> Value: ...

    def order_sql(self, order: Sequence[tree.OrderItem], scope: Scope) -> str: ...

    def window_sql(self, window: tree.Window, scope: Scope) -> str: ...

    def native(self, name: str) -> None: ...

    def unique(self, prefix: str) -> str: ...


@dataclass(slots=True)
class Invocation:
    """One call: arguments are analysed when they are asked for, and once."""

    analyzer: Expressions
    node: tree.Call
    scope: Scope
    _values: dict[int, Value] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def at(self) -> int:
        return self.node.at

    @property
    def count(self) -> int:
        return len(self.node.arguments)

    def value(self, index: int) -> Value:
        if index not in self._values:
            node = self.node.arguments[index]
            self._values[index] = self.analyzer.expression(node, self.scope)
        return self._values[index]

    def values(self) -> list[Value]:
        return [self.value(index) for index in range(self.count)]

    def expect(self, least: int, most: int | None = None) -> None:
        """Check the number of arguments."""
        most = least if most is None else most
        if not least <= self.count <= most:
            raise self.no_match()

    def typed(self, index: int, kind: Type) -> Value:
        """An argument coerced to a type."""
        value = self.value(index)
        if coercion_cost(value, kind) is None:
            raise self.no_match()
        return self.coerced(value, kind)

    def coerced(self, value: Value, kind: Type) -> Value:
        try:
            return coerce(value, kind)
        except BadConstant as error:
            raise SqlProblem(str(error), self.at) from None

    def text(self, index: int, what: str) -> str:
        """An argument that must be a constant string, because it decides the translation."""
        value = self.value(index)
        if value.type != STRING or value.constant is None:
            raise SqlProblem(
                f"The local BigQuery emulator needs a constant {what} in {self.name}", self.at
            )
        return value.constant

    def part(self, index: int) -> tree.DatePart:
        """A date part written where an argument stands."""
        node = self.node.arguments[index]
        if isinstance(node, tree.Path) and len(node.names) == 1:
            return tree.DatePart(node.at, node.names[0].text.upper())
        if isinstance(node, tree.Call) and node.name == "WEEK" and len(node.arguments) == 1:
            day = node.arguments[0]
            if isinstance(day, tree.Path) and len(day.names) == 1:
                return tree.DatePart(node.at, "WEEK", day.names[0].text.upper())
        raise SqlProblem(f"A valid date part name is required in {self.name}", node.at)

    def no_match(self, signatures: str = "") -> SqlProblem:
        """The error for arguments that no signature takes."""
        kinds = ", ".join(self._kinds())
        hint = f". Supported signatures: {signatures}" if signatures else ""
        message = f"No matching signature for function {self.name}"
        tail = f" for argument types: {kinds}" if kinds else " with no arguments"
        return SqlProblem(f"{message}{tail}{hint}", self.at)

    def _kinds(self) -> list[str]:
        kinds: list[str] = []
        for index, node in enumerate(self.node.arguments):
            if isinstance(node, tree.IntervalValue):
                kinds.append("INTERVAL")
            elif isinstance(node, tree.Lambda):
                kinds.append("LAMBDA")
            elif isinstance(node, tree.Star):
                kinds.append("*")
            else:
                value = self.value(index)
                kinds.append("NULL" if value.is_null else str(value.type))
        return kinds

    def problem(self, message: str) -> SqlProblem:
        return SqlProblem(message, self.at)

    def common(self, indexes: Sequence[int]) -> Type:
        """The supertype of some arguments."""
        kind = supertype([self.value(index) for index in indexes])
        if kind is None:
            raise self.no_match()
        return kind


Handler = Callable[[Invocation], Value]


@dataclass(frozen=True, slots=True)
class Signature:
    """Argument types, result type and the DuckDB template; `T1` stands for any one type."""

    arguments: tuple[str, ...]
    result: str
    template: str

    def shown(self, name: str) -> str:
        return f"{name}({', '.join(a.replace('T1', 'ANY') for a in self.arguments)})"


GENERIC: Final = "T1"


def signatures(*lines: str) -> Handler:
    """A handler from lines such as `STRING, INT64 -> STRING: left({0}, {1})`."""
    parsed = tuple(_parse(line) for line in lines)

    def handle(call: Invocation) -> Value:
        return _apply(call, parsed)

    return handle


def _parse(line: str) -> Signature:
    head, template = line.split(":", 1)
    arguments, result = head.split("->")
    names = tuple(part.strip() for part in arguments.split(",") if part.strip())
    return Signature(names, result.strip(), template.strip())


def _apply(call: Invocation, options: Sequence[Signature]) -> Value:
    best: tuple[int, Signature, Type | None] | None = None
    for option in options:
        if len(option.arguments) != call.count:
            continue
        match = _match(call, option)
        if match is not None and (best is None or match[0] < best[0]):
            best = (match[0], option, match[1])
    if best is None:
        raise call.no_match("; ".join(option.shown(call.name) for option in options))
    _, option, generic = best
    arguments = [
        call.coerced(call.value(index), _named_type(name, generic)).sql
        for index, name in enumerate(option.arguments)
    ]
    template = option.template
    repeats = "bq_" in template or any(template.count(f"{{{i}}}") > 1 for i in range(call.count))
    sql = (
        once(arguments, lambda names: template.format(*names))
        if repeats
        else (template.format(*arguments))
    )
    if option.result == "INT64":
        # Many DuckDB functions give a narrower integer, whose sums would overflow too early.
        sql = f"CAST({sql} AS BIGINT)"
    return Value(sql, _named_type(option.result, generic))


def _match(call: Invocation, option: Signature) -> tuple[int, Type | None] | None:
    generic = _generic(call, option)
    if generic is None and any(GENERIC in name for name in option.arguments):
        return None
    total = 0
    for index, name in enumerate(option.arguments):
        cost = coercion_cost(call.value(index), _named_type(name, generic))
        if cost is None:
            return None
        total += cost
    return total, generic


def _generic(call: Invocation, option: Signature) -> Type | None:
    candidates: list[Value] = []
    for index, name in enumerate(option.arguments):
        value = call.value(index)
        if name == GENERIC:
            candidates.append(value)
        elif name == f"ARRAY<{GENERIC}>" and not value.is_null:
            if not value.type.is_array:
                return None
            candidates.append(Value("", value.type.of()))
    return supertype(candidates) if candidates else INT64


def _named_type(name: str, generic: Type | None) -> Type:
    if name.startswith("ARRAY<"):
        return array_of(_named_type(name[6:-1], generic))
    if name == GENERIC:
        assert generic is not None
        return generic
    return Type(name)
