"""The syntax tree of statements and scripts; queries and expressions are those of `tree`."""

from dataclasses import dataclass, field

from mainstem.localgcp.bigquery.sql.tree import Expr, Name, Path, Query, Source, TypeName

Options = tuple[tuple[Name, Expr], ...]


@dataclass(frozen=True, slots=True)
class Default:
    """The word DEFAULT where a value stands."""

    at: int


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A reference that BigQuery keeps and does not enforce."""

    name: str | None
    columns: tuple[str, ...]
    table: Path
    referenced: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ColumnDefinition:
    name: Name
    type: TypeName | None
    is_required: bool = False
    default_sql: str | None = None
    options: Options = ()
    is_primary_key: bool = False
    reference: ForeignKey | None = None
    member_options: "tuple[ColumnDefinition, ...]" = ()
    """The members of a written STRUCT, with their own NOT NULL and OPTIONS."""


@dataclass(frozen=True, slots=True)
class QueryStatement:
    query: Query


@dataclass(frozen=True, slots=True)
class Insert:
    target: Path
    columns: tuple[Name, ...] | None
    query: Query | None
    rows: tuple[tuple[Expr | Default, ...], ...]


Assignment = tuple[Path, Expr | Default]


@dataclass(frozen=True, slots=True)
class Update:
    target: Path
    alias: Name | None
    assignments: tuple[Assignment, ...]
    source: Source | None
    where: Expr


@dataclass(frozen=True, slots=True)
class Delete:
    target: Path
    alias: Name | None
    where: Expr


@dataclass(frozen=True, slots=True)
class MergeClause:
    """`kind` is MATCHED, TARGET (not matched by target) or SOURCE (not matched by source).

    `action` is UPDATE, DELETE or INSERT; an INSERT without values is INSERT ROW.
    """

    kind: str
    condition: Expr | None
    action: str
    at: int
    assignments: tuple[Assignment, ...] = ()
    columns: tuple[Name, ...] | None = None
    values: tuple[Expr | Default, ...] | None = None


@dataclass(frozen=True, slots=True)
class Merge:
    target: Path
    alias: Name | None
    source: Source
    condition: Expr
    clauses: tuple[MergeClause, ...]


@dataclass(frozen=True, slots=True)
class Truncate:
    target: Path


@dataclass(frozen=True, slots=True)
class Creation:
    """What every CREATE says first."""

    path: Path
    replaces: bool
    if_not_exists: bool


@dataclass(frozen=True, slots=True)
class CreateTable:
    head: Creation
    is_temporary: bool
    columns: tuple[ColumnDefinition, ...] | None
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]
    like: Path | None
    copied: Path | None
    copied_at: Expr | None
    partition: Expr | None
    cluster: tuple[Name, ...]
    options: Options
    query: Query | None
    is_snapshot: bool = False
    word: str = "TABLE"


@dataclass(frozen=True, slots=True)
class CreateView:
    head: Creation
    columns: tuple[ColumnDefinition, ...]
    options: Options
    text: str
    query: Query
    is_materialized: bool
    partition: Expr | None = None
    cluster: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class CreateExternalTable:
    head: Creation
    columns: tuple[ColumnDefinition, ...] | None
    options: Options


@dataclass(frozen=True, slots=True)
class LoadData:
    """`columns` None means that the files say what they hold."""

    path: Path
    overwrites: bool
    columns: tuple[ColumnDefinition, ...] | None
    partition: Expr | None
    cluster: tuple[Name, ...]
    options: Options
    files: Options


@dataclass(frozen=True, slots=True)
class ExportData:
    options: Options
    query: Query
    at: int


@dataclass(frozen=True, slots=True)
class CreateSchema:
    head: Creation
    options: Options


@dataclass(frozen=True, slots=True)
class CreateFunction:
    head: Creation
    is_temporary: bool
    arguments: tuple[tuple[str, TypeName | None, str], ...]
    returns: TypeName | None
    returns_text: str | None
    body: Expr | Query
    body_text: str
    is_table_function: bool
    options: Options


@dataclass(frozen=True, slots=True)
class Drop:
    """`kind` is TABLE, VIEW, MATERIALIZED VIEW, EXTERNAL TABLE, SNAPSHOT TABLE, SCHEMA …"""

    kind: str
    path: Path
    if_exists: bool
    cascades: bool = False


@dataclass(frozen=True, slots=True)
class AlterAction:
    """One action; which fields are set depends on `kind`."""

    kind: str
    at: int
    name: Name | None = None
    new_name: Name | None = None
    path: Path | None = None
    definition: ColumnDefinition | None = None
    type: TypeName | None = None
    options: Options = ()
    default_sql: str | None = None
    is_conditional: bool = False
    keys: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Alter:
    """ALTER TABLE, VIEW, MATERIALIZED VIEW or SCHEMA."""

    kind: str
    path: Path
    if_exists: bool
    actions: tuple[AlterAction, ...]


# ---- scripting ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Declare:
    names: tuple[Name, ...]
    type: TypeName | None
    default: Expr | None


@dataclass(frozen=True, slots=True)
class Assign:
    """SET; `system` holds the name after `@@` when a system variable is set."""

    names: tuple[Name, ...]
    value: Expr
    is_tuple: bool
    system: str = ""


@dataclass(frozen=True, slots=True)
class If:
    branches: "tuple[tuple[Expr, tuple[Statement, ...]], ...]"
    otherwise: "tuple[Statement, ...]"


@dataclass(frozen=True, slots=True)
class CaseStatement:
    operand: Expr | None
    branches: "tuple[tuple[Expr, tuple[Statement, ...]], ...]"
    otherwise: "tuple[Statement, ...]"


@dataclass(frozen=True, slots=True)
class Loop:
    """`kind` is LOOP, WHILE or REPEAT."""

    kind: str
    condition: Expr | None
    body: "tuple[Statement, ...]"
    label: str = ""


@dataclass(frozen=True, slots=True)
class For:
    name: Name
    query: Query
    body: "tuple[Statement, ...]"
    label: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    body: "tuple[Statement, ...]"
    handler: "tuple[Statement, ...] | None"
    label: str = ""


@dataclass(frozen=True, slots=True)
class Jump:
    """`kind` is BREAK or CONTINUE (LEAVE and ITERATE are other words for them) or RETURN."""

    kind: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Raise:
    message: Expr | None


@dataclass(frozen=True, slots=True)
class ExecuteImmediate:
    text: Expr
    into: tuple[Name, ...]
    using: tuple[tuple[str | None, Expr], ...]


@dataclass(frozen=True, slots=True)
class Assert:
    condition: Expr
    message: str | None


@dataclass(frozen=True, slots=True)
class TransactionControl:
    """`kind` is BEGIN, COMMIT or ROLLBACK."""

    kind: str


Node = (
    QueryStatement
    | Insert
    | Update
    | Delete
    | Merge
    | Truncate
    | CreateTable
    | CreateView
    | CreateExternalTable
    | LoadData
    | ExportData
    | CreateSchema
    | CreateFunction
    | Drop
    | Alter
    | Declare
    | Assign
    | If
    | CaseStatement
    | Loop
    | For
    | Block
    | Jump
    | Raise
    | ExecuteImmediate
    | Assert
    | TransactionControl
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement and where it stands in the script's text."""

    node: Node
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Script:
    text: str
    statements: tuple[Statement, ...]
    parameters: int = field(default=0)
    """How many positional parameters the text has."""
