"""YAML to plain data that remembers where everything stood.

The habits are those of YAML 1.2's core schema: only true and false are booleans, dates are text,
there are no sexagesimal or octal surprises. Duplicate keys are reported with both positions.
Anchors and merge keys work, but the file, its depth and its size after expanding aliases are
limited, so that a few lines cannot grow into gigabytes.

Containers are looked up by identity: `Source` keeps the node of each map and list it made, and a
position is computed only when somebody asks for it.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, NamedTuple

import yaml

from mainstem.sdk.fields import SourceFloat, SourceInt

MAX_BYTES: Final = 1024 * 1024
MAX_NODES: Final = 200_000
MAX_DEPTH: Final = 100
_MAX_OPEN: Final = 1_000

_BOOLEANS: Final = dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(
    ("false", "False", "FALSE"), False
)
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_INT: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_INDENT: Final = re.compile(r"^(?: |[-?:][ \t])+", re.MULTILINE)
_BARE_EXPRESSION: Final = re.compile(r"^[^'\"#]*[:\-] +\{\{")
_QUOTE_EXPRESSIONS: Final = 'Put quotes around expressions: "{{ … }}".'
_MAX_DIGITS: Final = 400
_STARTS: Final = frozenset("0123456789+-.")
_TAG: Final = "tag:yaml.org,2002:"

Loc = Sequence[str | int]


class Position(NamedTuple):
    """Line and column, both counted from one."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Remark:
    """A fault of the text itself."""

    at: Position
    code: str
    message: str
    suggestion: str | None = None


@dataclass
class Source:
    """The data of one document and the position of each part of it."""

    data: object = None
    text: str = ""
    remarks: list[Remark] = field(default_factory=list)
    _nodes: dict[int, yaml.Node] = field(default_factory=dict)
    _origins: dict[tuple[int, str], object] = field(default_factory=dict)
    _kept: list[object] = field(default_factory=list)

    def remember(self, container: object, node: yaml.Node) -> None:
        self._nodes[id(container)] = node
        self._kept.append(container)

    def derive(self, new: Mapping[str, object], old: object, origins: Mapping[str, object]) -> None:
        """Let `new` stand where `old` stood; keys in `origins` came from those other maps."""
        self._kept.append(new)
        if (node := self._nodes.get(id(old))) is not None:
            self._nodes[id(new)] = node
        for key in new:
            if (inherited := self._origins.get((id(old), key))) is not None:
                self._origins[id(new), key] = inherited
        for key, origin in origins.items():
            self._kept.append(origin)
            self._origins[id(new), key] = origin

    def replace(self, new: object, old: object) -> None:
        """Let a list stand where another of the same length stood."""
        self._kept.append(new)
        if (node := self._nodes.get(id(old))) is not None:
            self._nodes[id(new)] = node

    def came_from_default(self, container: object, key: str) -> bool:
        """Whether a key was not written in this map but merged into it."""
        return (id(container), key) in self._origins

    def start(self, container: object) -> Position | None:
        node = self._nodes.get(id(container))
        return None if node is None else _position(node.start_mark)

    def key(self, container: object, key: str | int) -> Position | None:
        """Where a key (or a list's element) begins."""
        found = self._entry(container, key)
        return None if found is None else _position(found[0].start_mark)

    def value(self, container: object, key: str | int) -> Position | None:
        """Where the value of a key begins."""
        found = self._entry(container, key)
        return None if found is None else _position(found[1].start_mark)

    def style(self, container: object, key: str | int) -> str | None:
        """How a text was written: `|`, `>`, a quote, or None for plain."""
        found = self._entry(container, key)
        style: str | None = getattr(found[1], "style", None) if found else None
        return style

    def inside(self, container: object, key: str | int, line: int, column: int) -> Position | None:
        """A place within a text value, given its line and column there."""
        found = self._entry(container, key)
        if found is None:
            return None
        node: Any = found[1]
        start = _position(node.start_mark)
        if node.style == "|":
            lines = self.text.splitlines()
            at = start.line + line
            lead = lines[start.line] if start.line < len(lines) else ""
            return Position(at, len(lead) - len(lead.lstrip(" ")) + column)
        if line > 1 or node.style == ">":
            return start
        return Position(
            start.line, start.column + (1 if node.style in ("'", '"') else 0) + column - 1
        )

    def _entry(self, container: object, key: str | int) -> tuple[yaml.Node, yaml.Node] | None:
        origin = self._origins.get((id(container), str(key)))
        if origin is not None and origin is not container:
            return self._entry(origin, key)
        node = self._nodes.get(id(container))
        if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
            if key < len(node.value):
                return node.value[key], node.value[key]
            return None
        if isinstance(node, yaml.MappingNode):
            return next(_written(node, str(key)), None)
        return None


def _written(node: yaml.MappingNode, name: str) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value == name:
            yield key, value
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value == "<<":
            merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for other in merged:
                if isinstance(other, yaml.MappingNode):
                    yield from _written(other, name)


def _position(mark: Any) -> Position:
    return Position(mark.line + 1, mark.column + 1)


class _NoResolver:
    """Leaves untagged plain scalars untouched; `_scalar` decides what they are."""

    def descend_resolver(self, parent: object, index: object) -> None:
        return None

    def ascend_resolver(self) -> None:
        return None

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return "" if implicit[0] else _TAG + "str"
        return _TAG + ("seq" if kind is yaml.SequenceNode else "map")


if yaml.__with_libyaml__:

    class _Composer(yaml.cyaml.CParser, _NoResolver):  # type: ignore[misc,name-defined]
        def __init__(self, text: str) -> None:
            super().__init__(text)

else:  # pragma: no cover - depends on how PyYAML was built
    from yaml.composer import Composer
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class _Composer(Reader, Scanner, Parser, Composer, _NoResolver):  # type: ignore[no-redef]
        def __init__(self, text: str) -> None:
            Reader.__init__(self, text)
            Scanner.__init__(self)
            Parser.__init__(self)
            Composer.__init__(self)

        def dispose(self) -> None:
            return None


class _TooMuch(Exception):
    """A limit is passed; reading on would only cost."""

    def __init__(self, remark: Remark) -> None:
        super().__init__(remark.message)
        self.remark = remark


def load(text: str) -> Source:
    """Read one document; what cannot be read is in `remarks` and `data` is then None."""
    source = Source(text=text)
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        limit = f"the file is larger than {MAX_BYTES // 1024} KiB"
        source.remarks.append(Remark(Position(1, 1), "too-large", limit))
        return source
    try:
        node = _compose(text)
        if node is not None:
            source.data = _Construction(source).build(node, 0)
    except _TooMuch as error:
        source.data = None
        source.remarks.append(error.remark)
    except yaml.YAMLError as error:
        source.remarks.append(_unreadable(error, text))
    except RecursionError:
        source.remarks.append(_too_deep(Position(1, 1)))
    return source


def documents(text: str) -> list[str]:
    """The documents of a text that may hold several, separated by lines of `---`."""
    parts = re.split(r"^---[ \t]*$", text, flags=re.MULTILINE)
    return [part for part in parts if part.strip()]


def _compose(text: str) -> yaml.Node | None:
    if max(_flow_depth(text), _block_depth(text)) > _MAX_OPEN:
        raise _TooMuch(_too_deep(Position(1, 1)))
    composer = _Composer(text)
    try:
        node: yaml.Node | None = composer.get_single_node()
    finally:
        composer.dispose()
    return node


def _flow_depth(text: str) -> int:
    """How many brackets may be open at once at most, brackets within text included.

    The C parser recurses over them, so this must be known before it reads.
    """
    deepest = depth = 0
    if text.count("[") + text.count("{") <= _MAX_OPEN:
        return 0
    for char in text:
        if char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth = max(0, depth - 1)
    return deepest


def _block_depth(text: str) -> int:
    """How many blocks a line may open at most: one for each space and each `- ` before it."""
    return max((len(lead) for lead in _INDENT.findall(text)), default=0)


def _too_deep(at: Position) -> Remark:
    return Remark(at, "too-deep", f"nested more than {MAX_DEPTH} levels deep")


_PLAIN: Final = (
    ("mapping values are not allowed", "a `:` stands where no key can begin"),
    ("found character '\\t'", "indentation must be spaces, not tabs"),
    ("found character that cannot start any token", "this character cannot begin a value"),
    ("could not find expected ':'", "this looks like a key but has no `:`"),
    ("did not find expected key", "this line does not fit the indentation of its block"),
    ("did not find expected '-' indicator", "a list element beginning with `-` was expected here"),
    ("found undefined alias", "this alias names an anchor that was not defined before"),
    ("found unexpected end of stream", "a quote opened before is never closed"),
    ("expected a single document", "a flow file holds one document"),
    ("but found another document", "a flow file holds one document"),
    ("unacceptable character", "this control character is not allowed in YAML"),
    ("control characters are not allowed", "this control character is not allowed in YAML"),
)


def _unreadable(error: yaml.YAMLError, text: str) -> Remark:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    at = _position(mark) if mark is not None else Position(1, 1)
    reason = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    plain = next((said for part, said in _PLAIN if part in reason), None)
    line = next(islice(text.splitlines(), at.line - 1, None), "")
    hint = None
    if "cannot start any token" in reason and line[at.column - 1 : at.column] == "\t":
        plain = "indentation must be spaces, not tabs"
    elif _BARE_EXPRESSION.search(line):
        hint = _QUOTE_EXPRESSIONS
    elif "mapping values" in reason or "cannot start any token" in reason:
        hint = 'Put quotes around text that holds ": " or begins with a special character.'
    return Remark(at, "yaml-syntax", f"not valid YAML: {plain or reason}", hint)


class _Construction:
    """Nodes to data, once for each node however often it is aliased."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.made: dict[int, tuple[object, int]] = {}
        self.open: set[int] = set()
        self.count = 0

    def build(self, node: yaml.Node, depth: int) -> object:
        if isinstance(node, yaml.ScalarNode):
            self.count += 1
            return self._scalar(node)
        if (known := self.made.get(id(node))) is not None:
            self._grow(known[1], node)
            return known[0]
        if id(node) in self.open:
            message = "this alias lies inside the value it repeats"
            raise _TooMuch(Remark(_position(node.start_mark), "recursive-alias", message))
        if depth >= MAX_DEPTH:
            raise _TooMuch(_too_deep(_position(node.start_mark)))
        self.open.add(id(node))
        before = self.count
        self._grow(1, node)
        built: object
        built = self._list(node, depth) if _is_list(node) else self._map(node, depth)
        self.open.discard(id(node))
        self.made[id(node)] = (built, self.count - before)
        return built

    def _grow(self, by: int, node: yaml.Node) -> None:
        self.count += by
        if self.count > MAX_NODES:
            message = f"the flow has more than {MAX_NODES} values once its aliases are expanded"
            raise _TooMuch(Remark(_position(node.start_mark), "too-many-values", message))

    def _list(self, node: yaml.Node, depth: int) -> list[object]:
        items: list[object] = [self.build(item, depth + 1) for item in node.value]
        self.source.remember(items, node)
        return items

    def _map(self, node: yaml.Node, depth: int) -> dict[str, object]:
        entries: dict[str, object] = {}
        merged: list[yaml.Node] = []
        for key, value in node.value:
            name = self._key(key)
            if name == "<<" and key.tag == "":
                merged.append(value)
            elif name in entries:
                self._duplicate(node, key, name)
            else:
                entries[name] = self.build(value, depth + 1)
        for value in merged:
            self._merge(entries, value, depth)
        self.source.remember(entries, node)
        return entries

    def _key(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        message = "a key must be text, not a map or a list"
        raise _TooMuch(
            Remark(_position(node.start_mark), "complex-key", message, _QUOTE_EXPRESSIONS)
        )

    def _duplicate(self, node: yaml.Node, key: yaml.Node, name: str) -> None:
        first = next(_written_keys(node, name))
        message = f"Duplicate field '{name}', first written in line {first.start_mark.line + 1}"
        self.source.remarks.append(Remark(_position(key.start_mark), "duplicate-key", message))

    def _merge(self, entries: dict[str, object], node: yaml.Node, depth: int) -> None:
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for part in parts:
            built = self.build(part, depth + 1)
            if not isinstance(built, dict):
                message = "`<<` merges maps only"
                raise _TooMuch(Remark(_position(part.start_mark), "merge-key", message))
            self._grow(len(built), part)
            for name, value in built.items():
                entries.setdefault(name, value)

    def _scalar(self, node: yaml.ScalarNode) -> object:
        if node.tag == "":
            return plain_scalar(node.value)
        kind = node.tag.removeprefix(_TAG)
        if kind == "str":
            return node.value
        if kind in {"int", "float", "bool", "null"}:
            return plain_scalar(node.value)
        message = f"the tag `{node.tag}` is not part of the flow language"
        self.source.remarks.append(Remark(_position(node.start_mark), "unknown-tag", message))
        return node.value


def _is_list(node: yaml.Node) -> bool:
    return isinstance(node, yaml.SequenceNode)


def _written_keys(node: yaml.Node, name: str) -> Iterator[Any]:
    return (key for key, _ in node.value if getattr(key, "value", None) == name)


def plain_scalar(text: str) -> object:
    """The value of an unquoted scalar under the core schema."""
    if text in _NULLS:
        return None
    if text[0] not in _STARTS:
        return _BOOLEANS.get(text, text)
    if _INT.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            return text
        return number if repr(number) == text else SourceFloat(number, text)
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text


def _integer(text: str) -> int | str:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    digits = text[2:] if base != 10 else text
    if len(digits) > _MAX_DIGITS:
        return text
    number = int(digits, base)
    return number if str(number) == text else SourceInt(number, text)
