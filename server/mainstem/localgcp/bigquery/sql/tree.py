"""The syntax tree of a query: plain frozen values, each with the offset where it was written."""

from dataclasses import dataclass

from mainstem.localgcp.bigquery.sql.types import Type


@dataclass(frozen=True, slots=True)
class Node:
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """One identifier as written."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A constant: `value` is its text, decoded for strings; `type` is None for NULL."""

    type: Type | None
    value: str


@dataclass(frozen=True, slots=True)
class TypeName(Node):
    """A written type, before parameters such as NUMERIC(10, 2) are judged."""

    name: str
    arguments: tuple[int, ...] = ()
    element: "TypeName | None" = None
    fields: "tuple[tuple[str, TypeName], ...]" = ()


@dataclass(frozen=True, slots=True)
class Path(Node):
    """`a.b.c`: a column, a struct's field, a table or a function's name."""

    names: tuple[Name, ...]

    def __str__(self) -> str:
        return ".".join(name.text for name in self.names)


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """`@name`, or a `?` with its position in the text from zero."""

    name: str | None
    index: int = 0


@dataclass(frozen=True, slots=True)
class SystemVariable(Node):
    name: str


@dataclass(frozen=True, slots=True)
class Member(Node):
    """`expression.name` where the expression is more than a path."""

    value: "Expr"
    name: Name


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`array[OFFSET(1)]`, `json['key']`; `mode` is empty for a bare key."""

    value: "Expr"
    key: "Expr"
    mode: str


@dataclass(frozen=True, slots=True)
class Unary(Node):
    operator: str
    value: "Expr"


@dataclass(frozen=True, slots=True)
class Binary(Node):
    operator: str
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True)
class IsTest(Node):
    """`x IS [NOT] NULL | TRUE | FALSE`."""

    value: "Expr"
    what: str
    is_negated: bool


@dataclass(frozen=True, slots=True)
class DistinctFrom(Node):
    left: "Expr"
    right: "Expr"
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Between(Node):
    value: "Expr"
    low: "Expr"
    high: "Expr"
    is_negated: bool


@dataclass(frozen=True, slots=True)
class InList(Node):
    value: "Expr"
    options: "tuple[Expr, ...]"
    is_negated: bool


@dataclass(frozen=True, slots=True)
class InQuery(Node):
    value: "Expr"
    query: "Query"
    is_negated: bool


@dataclass(frozen=True, slots=True)
class InUnnest(Node):
    value: "Expr"
    array: "Expr"
    is_negated: bool


@dataclass(frozen=True, slots=True)
class LikeTest(Node):
    """`quantifier` is empty, ANY or ALL."""

    value: "Expr"
    patterns: "tuple[Expr, ...]"
    quantifier: str
    is_negated: bool


@dataclass(frozen=True, slots=True)
class Case(Node):
    operand: "Expr | None"
    branches: "tuple[tuple[Expr, Expr], ...]"
    otherwise: "Expr | None"


@dataclass(frozen=True, slots=True)
class Cast(Node):
    value: "Expr"
    type: TypeName
    is_safe: bool
    format: "Expr | None" = None
    zone: "Expr | None" = None


@dataclass(frozen=True, slots=True)
class Extract(Node):
    part: "DatePart"
    value: "Expr"
    zone: "Expr | None"


@dataclass(frozen=True, slots=True)
class DatePart(Node):
    """DAY, WEEK(MONDAY), …; upper case."""

    name: str
    weekday: str = ""


@dataclass(frozen=True, slots=True)
class IntervalValue(Node):
    """`INTERVAL 5 DAY`, or `INTERVAL '1-2' YEAR TO MONTH` with `upto` set."""

    value: "Expr"
    part: str
    upto: str = ""


@dataclass(frozen=True, slots=True)
class ArrayValue(Node):
    element: TypeName | None
    values: "tuple[Expr, ...]"


@dataclass(frozen=True, slots=True)
class StructValue(Node):
    """`STRUCT<…>(…)`, `STRUCT(x AS a)` or a bare `(a, b)`."""

    type: TypeName | None
    values: "tuple[tuple[str, Expr], ...]"
    is_tuple: bool = False
    """Whether it is a bare `(a, b)`, whose members have no names."""


@dataclass(frozen=True, slots=True)
class Subquery(Node):
    """`mode` is empty for a scalar, else ARRAY or EXISTS."""

    query: "Query"
    mode: str


@dataclass(frozen=True, slots=True)
class Lambda(Node):
    parameters: tuple[Name, ...]
    body: "Expr"


@dataclass(frozen=True, slots=True)
class NamedArgument(Node):
    name: Name
    value: "Expr"


@dataclass(frozen=True, slots=True)
class Star(Node):
    """The `*` of COUNT(*)."""


@dataclass(frozen=True, slots=True)
class OrderItem:
    value: "Expr"
    is_descending: bool
    nulls: str
    at: int


@dataclass(frozen=True, slots=True)
class Frame:
    unit: str
    start: "tuple[str, Expr | None]"
    end: "tuple[str, Expr | None]"


@dataclass(frozen=True, slots=True)
class Window(Node):
    base: Name | None
    partition: "tuple[Expr, ...]"
    order: tuple[OrderItem, ...]
    frame: Frame | None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function call with whatever an aggregate or a window function may carry."""

    function: Path
    arguments: "tuple[Expr, ...]"
    is_distinct: bool = False
    nulls: str = ""
    having: "tuple[str, Expr] | None" = None
    order: tuple[OrderItem, ...] = ()
    limit: "Expr | None" = None
    over: Window | None = None
    is_safe: bool = False

    @property
    def name(self) -> str:
        return str(self.function).upper()


Expr = (
    Literal
    | Path
    | Parameter
    | SystemVariable
    | Member
    | Index
    | Unary
    | Binary
    | IsTest
    | DistinctFrom
    | Between
    | InList
    | InQuery
    | InUnnest
    | LikeTest
    | Case
    | Cast
    | Extract
    | DatePart
    | IntervalValue
    | ArrayValue
    | StructValue
    | Subquery
    | Lambda
    | NamedArgument
    | Star
    | Call
)


@dataclass(frozen=True, slots=True)
class SelectItem:
    value: Expr
    alias: Name | None
    at: int


@dataclass(frozen=True, slots=True)
class SelectStar:
    """`*` or `expression.*` with what it leaves out and replaces."""

    source: Expr | None
    without: tuple[Name, ...]
    replacing: tuple[SelectItem, ...]
    at: int


@dataclass(frozen=True, slots=True)
class TableName(Node):
    """A table by path; also an array path when its first name is a range variable."""

    path: Path
    alias: Name | None
    system_time: Expr | None = None
    offset: Name | None = None
    has_offset: bool = False


@dataclass(frozen=True, slots=True)
class TableSubquery(Node):
    query: "Query"
    alias: Name | None


@dataclass(frozen=True, slots=True)
class TableCall(Node):
    """A table function: `FROM f(1, 2)`."""

    function: Path
    arguments: tuple[Expr, ...]
    alias: Name | None


@dataclass(frozen=True, slots=True)
class Unnest(Node):
    array: Expr
    alias: Name | None
    offset: Name | None
    has_offset: bool


@dataclass(frozen=True, slots=True)
class Join(Node):
    """`kind` is INNER, LEFT, RIGHT, FULL or CROSS."""

    kind: str
    left: "Source"
    right: "Source"
    condition: Expr | None
    using: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class Sample(Node):
    source: "Source"
    method: str
    size: Expr
    unit: str


@dataclass(frozen=True, slots=True)
class Pivot(Node):
    source: "Source"
    aggregates: tuple[SelectItem, ...]
    column: Expr
    values: tuple[SelectItem, ...]
    alias: Name | None


@dataclass(frozen=True, slots=True)
class Unpivot(Node):
    """Each of `groups` is the columns that make one output row, with the row's label."""

    source: "Source"
    values: tuple[Name, ...]
    label: Name
    groups: tuple[tuple[tuple[Name, ...], Expr | None], ...]
    keeps_nulls: bool
    alias: Name | None


Source = TableName | TableSubquery | TableCall | Unnest | Join | Sample | Pivot | Unpivot


@dataclass(frozen=True, slots=True)
class Grouping:
    """`sets` holds the kind (plain, ROLLUP, CUBE, SETS, ALL) and its expressions."""

    kind: str
    items: tuple[Expr, ...]
    sets: tuple[tuple[Expr, ...], ...]
    at: int


@dataclass(frozen=True, slots=True)
class Select(Node):
    items: tuple[SelectItem | SelectStar, ...]
    source: Source | None
    where: Expr | None
    grouping: Grouping | None
    having: Expr | None
    qualify: Expr | None
    windows: tuple[tuple[Name, Window], ...]
    is_distinct: bool
    mode: str


@dataclass(frozen=True, slots=True)
class SetOperation(Node):
    """`operator` is UNION, INTERSECT or EXCEPT."""

    operator: str
    is_all: bool
    left: "Body"
    right: "Body"


@dataclass(frozen=True, slots=True)
class CommonTable:
    name: Name
    query: "Query"


@dataclass(frozen=True, slots=True)
class Query(Node):
    tables: tuple[CommonTable, ...]
    is_recursive: bool
    body: "Body"
    order: tuple[OrderItem, ...]
    limit: Expr | None
    offset: Expr | None


Body = Select | SetOperation | Query
