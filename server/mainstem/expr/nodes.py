"""The tree of a template. Every node carries the offset of what a reader would point at."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    value: object
    place: int


@dataclass(frozen=True, slots=True)
class Name:
    name: str
    place: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """`target.key` and `target[key]`; `dotted` only serves error messages."""

    target: "Node"
    key: "Node"
    place: int


@dataclass(frozen=True, slots=True)
class ListNode:
    items: "tuple[Node, ...]"
    place: int


@dataclass(frozen=True, slots=True)
class MapNode:
    entries: "tuple[tuple[Node, Node], ...]"
    place: int


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str
    operand: "Node"
    place: int


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: "Node"
    right: "Node"
    place: int


@dataclass(frozen=True, slots=True)
class Concat:
    """A chain of `~`, flattened so that long chains need no deep recursion."""

    parts: "tuple[Node, ...]"
    place: int


@dataclass(frozen=True, slots=True)
class Ternary:
    condition: "Node"
    then: "Node"
    otherwise: "Node"
    place: int


@dataclass(frozen=True, slots=True)
class Arguments:
    positional: "tuple[Node, ...]"
    named: "tuple[tuple[str, Node], ...]"


@dataclass(frozen=True, slots=True)
class FilterCall:
    value: "Node"
    name: str
    arguments: Arguments
    place: int


@dataclass(frozen=True, slots=True)
class TestCall:
    value: "Node"
    name: str
    arguments: Arguments
    negated: bool
    place: int


@dataclass(frozen=True, slots=True)
class FunctionCall:
    name: str
    arguments: Arguments
    place: int


@dataclass(frozen=True, slots=True)
class MethodCall:
    """`target.name(…)`: one of the methods that the language knows, never one of an object."""

    target: "Node"
    name: str
    arguments: Arguments
    place: int


@dataclass(frozen=True, slots=True)
class Capture:
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


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Print:
    value: Node
    place: int


@dataclass(frozen=True, slots=True)
class If:
    branches: "tuple[tuple[Node, Body], ...]"
    otherwise: "Body"
    place: int


@dataclass(frozen=True, slots=True)
class For:
    name: str
    items: Node
    body: "Body"
    otherwise: "Body"
    place: int


@dataclass(frozen=True, slots=True)
class Set:
    name: str
    value: Node
    place: int


@dataclass(frozen=True, slots=True)
class Macro:
    """Defaults are None where the parameter has none; the language then passes null."""

    name: str
    parameters: tuple[tuple[str, Node | None], ...]
    body: "Body"
    place: int


@dataclass(frozen=True, slots=True)
class Block:
    name: str
    body: "Body"
    place: int


Statement: TypeAlias = Text | Print | If | For | Set | Macro | Block
Body: TypeAlias = tuple[Statement, ...]
