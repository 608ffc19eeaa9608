"""Faults of typed objects in plain sentences, at the place their author wrote them."""

import difflib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from mainstem.flowspec.build import Detail, Record
from mainstem.flowspec.problems import Problem, Severity
from mainstem.flowspec.source import Loc, Position, Source
from mainstem.sdk.flow import Flow, Sla
from mainstem.sdk.inputs import Input
from mainstem.sdk.plugin import Plugin, Properties, known_properties, yaml_names
from mainstem.sdk.task import Retry, Task

_CORE: Final = "io.kestra.core.models.flows."


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the data: the container, the key in it and the whole path."""

    container: object
    key: str | int | None
    loc: tuple[str | int, ...]
    skipped: bool = False
    absent: bool = False

    def value(self) -> object:
        if self.key is None:
            return self.container
        return self.container[self.key]  # type: ignore[index]


def descend(container: object, loc: Loc) -> Place:
    """Follow a location through the data, passing over names of union members."""
    place = Place(container, None, ())
    current = container
    skipped = False
    for at, part in enumerate(loc):
        inside = (isinstance(current, dict) and part in current) or (
            isinstance(current, list) and isinstance(part, int) and part < len(current)
        )
        if inside:
            place = Place(current, part, (*place.loc, part))
            current = current[part]  # type: ignore[index]
        elif at == len(loc) - 1 and isinstance(current, dict) and _is_name(part):
            return Place(current, part, (*place.loc, part), skipped, absent=True)
        else:
            skipped = True
    return Place(place.container, place.key, place.loc, skipped)


def _is_name(part: str | int) -> bool:
    return isinstance(part, str) and part.isidentifier()


def pointer(loc: Loc) -> str:
    """A location as text: `tasks[0].message`."""
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


class Wording:
    """Turns faults into problems of one file."""

    def __init__(self, source: Source, path: str | None) -> None:
        self.source = source
        self.path = path
        self._locs: dict[int, tuple[str | int, ...]] | None = None

    def loc(self, container: object) -> tuple[str | int, ...]:
        """The path from the root of the document to a container."""
        if self._locs is None:
            self._locs = {}
            _index(self.source.data, (), self._locs)
        return self._locs.get(id(container), ())

    def problem(
        self,
        container: object,
        key: str | int | None,
        code: str,
        message: str,
        *,
        suggestion: str | None = None,
        severity: Severity = "error",
    ) -> Problem:
        """A problem with one entry of a map or list, or with the whole of it."""
        at = self.position(container, key)
        loc = (*self.loc(container), key) if key is not None else self.loc(container)
        return Problem(
            self.path, at.line, at.column, code, message, severity, suggestion, pointer(loc)
        )

    def position(self, container: object, key: str | int | None) -> Position:
        """Of a scalar's value, of a structure's key, or of the whole container."""
        found = None
        if key is not None:
            value = _entry(container, key)
            nested = isinstance(value, (dict, list)) or value is None
            find = self.source.key if nested else self.source.value
            found = find(container, key)
        return found or self.source.start(container) or self._parent_start(container)

    def key_position(self, container: object, key: str | int) -> Position:
        return self.source.key(container, key) or self.position(container, None)

    def _parent_start(self, container: object) -> Position:
        loc = self.loc(container)
        for length in range(len(loc), 0, -1):
            place = descend(self.source.data, loc[:length])
            if place.key is not None and (at := self.source.key(place.container, place.key)):
                return at
        return Position(1, 1)

    def problems_of(self, record: Record) -> Iterator[Problem]:
        """Everything found wrong with one map."""
        for details in _by_place(record):
            detail, place = _telling(details)
            yield self._problem(record, detail, place)

    def _problem(self, record: Record, detail: Detail, place: Place) -> Problem:
        code, message, suggestion = _say(record, detail, place)
        absent = place.absent or detail.kind == "missing"
        loc = (*self.loc(record.properties), *place.loc)
        if detail.kind == "extra_forbidden" and place.key is not None:
            at = self.key_position(place.container, place.key)
        elif absent:
            at = self.position(place.container, None)
        else:
            at = self.position(place.container, place.key)
        return Problem(
            self.path, at.line, at.column, code, message, "error", suggestion, pointer(loc)
        )


def _index(value: object, loc: tuple[str | int, ...], found: dict[int, Any]) -> None:
    if id(value) in found:
        return
    if isinstance(value, dict):
        found[id(value)] = loc
        for key, item in value.items():
            _index(item, (*loc, key), found)
    elif isinstance(value, list):
        found[id(value)] = loc
        for at, item in enumerate(value):
            _index(item, (*loc, at), found)


def _entry(container: object, key: str | int) -> object:
    try:
        return container[key]  # type: ignore[index]
    except (KeyError, IndexError, TypeError):
        return None


def _by_place(record: Record) -> Iterable[list[tuple[Detail, Place]]]:
    """Faults of the members of one union stand together; all others alone."""
    groups: dict[object, list[tuple[Detail, Place]]] = {}
    for at, detail in enumerate(record.details):
        if detail.kind == "too_short" and _has_faults_below(detail, record):
            continue  # the list is only short because its faulty elements were left out
        place = descend(record.properties, detail.loc)
        key: object = (place.loc[:1], "union") if place.skipped else (place.loc, at)
        groups.setdefault(key, []).append((detail, place))
    return groups.values()


def _has_faults_below(detail: Detail, record: Record) -> bool:
    depth = len(detail.loc)
    return any(
        len(other.loc) > depth and other.loc[:depth] == detail.loc for other in record.details
    )


def _telling(details: Sequence[tuple[Detail, Place]]) -> tuple[Detail, Place]:
    """Of the faults of a union's members, that of the member the author seems to mean."""
    if len(details) == 1:
        return details[0]
    matching = [item for item in details if not item[0].kind.endswith("_type")]
    if matching:
        return max(matching, key=lambda item: len(item[1].loc))
    detail, place = details[0]
    wanted = dict.fromkeys(_expected(item) for item, _ in details)
    message = f"must be {' or '.join(wanted)}"
    return Detail("invalid-value", detail.loc, message, detail.value), place


_KINDS: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a map",
    "model_type": "a map",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "is_instance_of": "of another kind",
    "date_type": "a date such as 2024-01-31",
    "datetime_type": "a date and time such as 2024-01-31T08:00:00Z",
    "time_type": "a time such as 08:00:00",
}


_TOLD_BY_TYPE: Final = (Plugin, Retry, Input, Sla)
"""Bases whose `type` decides what a map is at all; that of others is a property like any."""


def _expected(detail: Detail) -> str:
    return _KINDS.get(detail.kind, "another kind of value")


def _say(record: Record, detail: Detail, place: Place) -> tuple[str, str, str | None]:
    """Code, sentence and suggestion of one fault."""
    if detail.kind == "extra_forbidden":
        return _unknown_property(record, place)
    if place.key == "type" and detail.kind in {"missing", "literal_error"}:
        owner, _ = _owner(record, place.loc[:-1])
        if owner is None or issubclass(owner, _TOLD_BY_TYPE):
            return _invalid_type(detail)
    if detail.kind == "missing":
        return _required(record, place)
    if detail.kind in _KINDS:
        if detail.value is None:
            return _required(record, place)
        return "wrong-kind", f"must be {_KINDS[detail.kind]}, not {_shown(detail.value)}", None
    if detail.kind in {"literal_error", "enum"}:
        return _one_of(detail)
    if detail.kind in {"too_short", "string_too_short"}:
        return _too_short(detail)
    suggestion = detail.context.get("suggestion")
    phrase = _PHRASES.get(detail.kind)
    # A message that quotes the source may hold braces of its own.
    message = detail.message if phrase is None else phrase.format(**detail.context)
    message = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    message = message.replace("Input should be", "must be").replace("String should", "must")
    own = "_" not in detail.kind
    code = detail.kind if own else "invalid-value"
    return code, message, str(suggestion) if suggestion else None


_PHRASES: Final = {
    "greater_than_equal": "must be greater than or equal to {ge}",
    "greater_than": "must be greater than {gt}",
    "less_than_equal": "must be less than or equal to {le}",
    "less_than": "must be less than {lt}",
    "string_pattern_mismatch": 'must match "{pattern}"',
    "string_too_long": "size must be between 0 and {max_length}",
    "too_long": "must have at most {max_length} elements",
}


def _unknown_property(record: Record, place: Place) -> tuple[str, str, str | None]:
    name = str(place.key)
    owner, called = _owner(record, place.loc[:-1])
    known = sorted(known_properties(owner)) if owner else []
    message = f'Unrecognized field "{name}"'
    if owner is not None:
        listed = ", ".join(f'"{item}"' for item in known)
        message += f" (class {called}), not marked as ignorable"
        message += f" ({len(known)} known properties: {listed})"
    near = nearest(name, known)
    return "unknown-property", message, f"Did you mean `{near}`?" if near else None


def _required(record: Record, place: Place) -> tuple[str, str, str | None]:
    owner, _ = _owner(record, place.loc[:-1])
    info = _field(owner, str(place.key)) if owner and place.key is not None else None
    sized = info is not None and any(getattr(item, "min_length", 0) for item in info.metadata)
    if info is None or not sized or get_origin(info.annotation) not in (tuple, list, dict):
        return "required", "must not be null", None
    task = owner is not None and issubclass(owner, Task)
    return "empty-task-list" if task else "empty", "must not be empty", None


def _too_short(detail: Detail) -> tuple[str, str, str | None]:
    if detail.context.get("min_length") == 1:
        return "empty", "must not be empty", None
    return "too-short", f"must have at least {detail.context.get('min_length')} elements", None


def _invalid_type(detail: Detail) -> tuple[str, str, str | None]:
    if detail.kind == "missing":
        return "missing-type", "Invalid type: null", None
    _, listed, near = _one_of(detail)
    return "invalid-type", f"Invalid type: {detail.value}", near or listed.partition(", not ")[0]


def _one_of(detail: Detail) -> tuple[str, str, str | None]:
    expected = str(detail.context.get("expected", ""))
    choices = [part.strip(" '") for part in expected.replace(" or ", ", ").split(",")]
    near = nearest(str(detail.value), choices)
    message = f"must be one of {', '.join(choices)}, not {_shown(detail.value)}"
    return "invalid-value", message, f"Did you mean `{near}`?" if near else None


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that its writer most likely meant."""
    names = list(known)
    lowered = {item.lower().replace("_", "").replace("-", ""): item for item in reversed(names)}
    plain = name.lower().replace("_", "").replace("-", "")
    if plain in lowered:
        return lowered[plain]
    near = difflib.get_close_matches(plain, lowered, n=1, cutoff=0.7)
    return lowered[near[0]] if near else None


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text if len(text) <= 60 else text[:59] + '…'}`"


def _owner(record: Record, loc: Loc) -> tuple[type[Properties] | None, str]:
    """The class whose properties stand at `loc`, and its name in the flow language."""
    kind = model_at(record.kind, loc) if record.kind is not None else None
    return kind, _name(kind) if kind else ""


def model_at(kind: type[Properties], loc: Loc) -> type[Properties] | None:
    """The class of the properties at a place below another class's."""
    found: type[Properties] | None = kind
    for part in loc:
        if isinstance(part, int) or found is None:
            continue
        info = _field(found, part)
        found = _model_in(info.annotation) if info is not None else None
    return found


def _name(kind: type[Properties]) -> str:
    if issubclass(kind, Plugin):
        return str(getattr(kind, "TYPE", kind.__name__))
    return f"{_CORE}{kind.__name__}" if kind.__module__ == Flow.__module__ else kind.__name__


def _field(kind: type[Properties], name: str) -> Any:
    return next(
        (field for key, field in kind.model_fields.items() if name in yaml_names(key, field)), None
    )


def _model_in(annotation: Any) -> type[Properties] | None:
    """The first class of properties inside an annotation, however it is wrapped."""
    if isinstance(annotation, type) and issubclass(annotation, Properties):
        return annotation
    if get_origin(annotation) in (Annotated, Union, UnionType, tuple, list, dict):
        return next(filter(None, map(_model_in, get_args(annotation))), None)
    return None
