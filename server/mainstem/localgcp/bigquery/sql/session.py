"""What running a text needs at every step: analysis, one cursor, and errors with positions."""

# writing SQL is what this package does; names are quoted by types.quote

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from mainstem.localgcp.bigquery.errors import BigQueryError
from mainstem.localgcp.bigquery.model import DatasetRef, TableRef
from mainstem.localgcp.bigquery.sql import natives, tree
from mainstem.localgcp.bigquery.sql.analyze_query import Analyzer
from mainstem.localgcp.bigquery.sql.coercion import can_coerce, coerce
from mainstem.localgcp.bigquery.sql.context import Context, Surroundings
from mainstem.localgcp.bigquery.sql.failures import explain
from mainstem.localgcp.bigquery.sql.host import Answer, Host
from mainstem.localgcp.bigquery.sql.outcome import DmlStats, Request
from mainstem.localgcp.bigquery.sql.problems import SqlProblem
from mainstem.localgcp.bigquery.sql.tables import billed, check_partition_filters, estimated_bytes
from mainstem.localgcp.bigquery.sql.types import Field, Type, field_of, quote
from mainstem.localgcp.bigquery.sql.values import Output, Relation, Scope, Value, member_at


@dataclass(frozen=True, slots=True)
class Effect:
    """What one statement did, before it is dressed as an Outcome."""

    statement_type: str
    fields: tuple[Field, ...] | None = None
    result: object | None = None
    ddl_operation: str | None = None
    target_table: TableRef | None = None
    target_dataset: DatasetRef | None = None
    target_routine: TableRef | None = None
    dml: DmlStats | None = None
    referenced: tuple[TableRef, ...] = ()
    bytes_processed: int = 0


class Session:
    """One run: its host, its variables and temporary objects, and the text being run."""

    def __init__(self, host: Host, around: Surroundings, request: Request, text: str) -> None:
        self.host = host
        self.around = around
        self.request = request
        self.text = text
        self.transaction: ExitStack | None = None
        self._serial = 0

    @property
    def is_dry_run(self) -> bool:
        return self.request.is_dry_run

    def unique(self, prefix: str) -> str:
        self._serial += 1
        return f"{prefix}{self._serial}"

    def serial_from(self, outer: "Session") -> None:
        """Share the source of unique names, since both sessions use one cursor."""
        self._serial = outer._serial + 1000

    def analyzer(self) -> Analyzer:
        return Analyzer(Context(self.around))

    @contextmanager
    def positions(self) -> Iterator[None]:
        """Turn problems and DuckDB's errors into BigQuery's, with positions in this text."""
        try:
            yield
        except SqlProblem as problem:
            raise problem.resolve(self.text) from None
        except duckdb.Error as error:
            raise explain(error) from error

    def execute(self, sql: str, analyzer: Analyzer | None = None) -> Any:  # a duckdb cursor
        """Run DuckDB SQL, having registered the Python functions that it calls."""
        if analyzer is not None:
            self.prepare(analyzer)
        return self.host.cursor.execute(sql)

    def prepare(self, analyzer: Analyzer) -> None:
        for name in analyzer.context.natives:
            natives.register(self.host.cursor, name)

    def changed(self, sql: str) -> int:
        """Run a statement that changes rows; how many."""
        row = self.host.cursor.execute(sql).fetchone()
        return int(row[0]) if row else 0

    def referenced(self, analyzer: Analyzer) -> tuple[TableRef, ...]:
        seen = {scan.table.ref: None for scan in analyzer.context.scans}
        return tuple(seen)

    def price(self, analyzer: Analyzer) -> int:
        """The bytes a statement reads, checked against what the request is willing to pay."""
        check_partition_filters(analyzer.context.scans)
        total = estimated_bytes(analyzer.context.scans, analyzer.context)
        limit = self.request.maximum_bytes_billed
        if limit is not None and billed(total) > limit:
            raise BigQueryError(
                "bytesBilledLimitExceeded",
                f"Query exceeded limit for bytes billed: {limit}. "
                f"{billed(total)} or higher required.",
            )
        return total

    # ---- expressions of a script ----------------------------------------------------------

    def value(self, node: tree.Expr, kind: Type | None = None) -> Value:
        """An expression outside of any query, coerced to a type if one is wanted."""
        analyzer = self.analyzer()
        value = analyzer.expression(node, Scope())
        self.prepare(analyzer)
        if kind is None:
            return value
        if not can_coerce(value, kind):
            raise SqlProblem(
                f"Cannot coerce expression of type {value.type} to type {kind}", node.at
            )
        return coerce(value, kind)

    def fetch(self, node: tree.Expr, kind: Type | None = None) -> Any:  # a Python value
        """The Python value of an expression."""
        value = self.value(node, kind)
        row = self.execute(f"SELECT {value.sql}").fetchone()
        return None if row is None else row[0]

    def truth(self, node: tree.Expr) -> bool:
        """Whether a condition holds; NULL does not."""
        with self.positions(), self.host.reading():
            return bool(self.fetch(node, Type("BOOL")))


def answer_of(relation: Relation) -> Answer:
    """A query as rows for a client: f0_ names, no duplicates, value tables spread out."""
    if relation.is_value and relation.outputs[0].type.is_struct:
        relation = spread(relation)
    fields: list[Field] = []
    titles: list[str] = []
    unnamed = 0
    for output in relation.outputs:
        title = output.name or f"f{unnamed}_"
        unnamed += output.name is None
        titles.append(title)
        fields.append(field_of(title, output.type))
    _check_unique([output.name for output in relation.outputs if output.name])
    if all(o.key == title for o, title in zip(relation.outputs, titles, strict=True)):
        return Answer(relation.sql, tuple(fields))
    select = ", ".join(
        f"{quote(o.key)} AS {quote(title)}"
        for o, title in zip(relation.outputs, titles, strict=True)
    )
    return Answer(f"SELECT {select} FROM ({relation.sql})", tuple(fields))


def _check_unique(names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            raise SqlProblem(
                "Duplicate column names in the result are not supported. Found duplicate(s): "
                f"{name}",
                None,
            )
        seen.add(name.casefold())


def spread(relation: Relation) -> Relation:
    """A query of structs as a query of their members."""
    row = Value('q."v"', relation.outputs[0].type)
    outputs: list[Output] = []
    columns: list[str] = []
    for index, (name, kind) in enumerate(row.type.fields):
        key = name or f"_col{index}"
        outputs.append(Output(name or None, key, kind))
        columns.append(f"{member_at(row, index).sql} AS {quote(key)}")
    inner = f'SELECT {quote(relation.outputs[0].key)} AS "v" FROM ({relation.sql})'
    return Relation(f"SELECT {', '.join(columns)} FROM ({inner}) AS q", tuple(outputs))
