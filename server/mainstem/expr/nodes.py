"""The tree of a template. Every node carries the offset of what a reader would point at."""

from typing import NamedTuple, TypeAlias


class Literal(NamedTuple):
    value: object
    place: int


class Name(NamedTuple):
    name: str
    place: int


class Attribute(NamedTuple):
    """`target.key` and `target[key]`; `dotted` only serves error messages."""

    target: "Node"
    key: "Node"
    place: int


class ListNode(NamedTuple):
    items: "tuple[Node, ...]"
    place: int


class MapNode(NamedTuple):
    entries: "tuple[tuple[Node, Node], ...]"
    place: int


class Unary(NamedTuple):
    operator: str
    operand: "Node"
    place: int


class Binary(NamedTuple):
    operator: str
    left: "Node"
    right: "Node"
    place: int


class Concat(NamedTuple):
    """A chain of `~`, flattened so that long chains need no deep recursion."""

    parts: "tuple[Node, ...]"
    place: int


class Ternary(NamedTuple):
    condition: "Node"
    then: "Node"
    otherwise: "Node"
    place: int


class Arguments(NamedTuple):
    positional: "tuple[Node, ...]"
    named: "tuple[tuple[str, Node], ...]"


class FilterCall(NamedTuple):
    value: "Node"
    name: str
    arguments: Arguments
    place: int


class TestCall(NamedTuple):
    value: "Node"
    name: str
    arguments: Arguments
    negated: bool
    place: int


class FunctionCall(NamedTuple):
    name: str
    arguments: Arguments
    place: int


class MethodCall(NamedTuple):
    """`target.name(…)`, which the language parses but this engine never lets reach an object."""

    target: "Node"
    name: str
    arguments: Arguments
    place: int


class Capture(NamedTuple):
    """The text of a body as a value, as `{% filter %}` needs it."""

    body: "Body"
    place: int


Node: TypeAlias = (
    Literal
    | Name
    | Attribute
    | ListNode
    | MapNode
    | Unary
    | Binary
    | Concat
    | Ternary
    | FilterCall
    | TestCall
    | FunctionCall
    | MethodCall
    | Capture
)


class Text(NamedTuple):
    text: str


class Print(NamedTuple):
    value: Node
    place: int


class If(NamedTuple):
    branches: "tuple[tuple[Node, Body], ...]"
    otherwise: "Body"
    place: int


class For(NamedTuple):
    name: str
    items: Node
    body: "Body"
    otherwise: "Body"
    place: int


class Set(NamedTuple):
    name: str
    value: Node
    place: int


class Macro(NamedTuple):
    """Defaults are None where the parameter has none; the language then passes null."""

    name: str
    parameters: tuple[tuple[str, Node | None], ...]
    body: "Body"
    place: int


class Block(NamedTuple):
    name: str
    body: "Body"
    place: int


Statement: TypeAlias = Text | Print | If | For | Set | Macro | Block
Body: TypeAlias = tuple[Statement, ...]
