"""What one statement's analysis shares: the host, parameters, variables and temporary objects."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mainstem.localgcp.bigquery.sql.host import Host
from mainstem.localgcp.bigquery.sql.problems import SqlProblem
from mainstem.localgcp.bigquery.sql.tree import Expr, Query, TypeName
from mainstem.localgcp.bigquery.sql.types import Field
from mainstem.localgcp.bigquery.sql.values import Scan, Value


@dataclass(frozen=True, slots=True)
class Function:
    """A SQL function: temporary, or read from the catalog; argument type None is ANY TYPE."""

    name: str
    arguments: tuple[tuple[str, TypeName | None], ...]
    body: "Expr | Query"
    returns: TypeName | None
    text: str


@dataclass(frozen=True, slots=True)
class TemporaryTable:
    """A table of a script's own, in DuckDB's temporary schema."""

    relation: str
    fields: tuple[Field, ...]


@dataclass(slots=True)
class Surroundings:
    """What a script's earlier statements left for the later ones."""

    host: Host | None
    """None while a default expression is analysed, which may not read anything."""
    named: Mapping[str, Value] = field(default_factory=dict)
    positional: tuple[Value, ...] = ()
    variables: dict[str, Value] = field(default_factory=dict)
    system: dict[str, Value] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    temporary: dict[str, TemporaryTable] = field(default_factory=dict)


@dataclass(slots=True)
class Context:
    """One statement's analysis: what it used so far, and a source of unique names."""

    around: Surroundings
    scans: list[Scan] = field(default_factory=list)
    natives: set[str] = field(default_factory=set)
    """Names of Python functions that must be registered before the SQL runs."""
    depth: int = 0
    is_stable: bool = True
    """Whether the translation may be reused while the catalog stays the same."""
    _serial: int = 0

    @property
    def host(self) -> Host:
        if self.around.host is None:
            raise SqlProblem("Tables and routines are not allowed here", None)
        return self.around.host

    def unique(self, prefix: str) -> str:
        """A DuckDB alias that nothing else in the statement has."""
        self._serial += 1
        return f"{prefix}{self._serial}"
