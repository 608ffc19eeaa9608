"""Plain data to typed objects, going on after every fault.

The builder is what plug-in fields call for each nested plug-in. One that cannot be made is
replaced by a stand-in, so that its parent and its siblings are checked as well; the faults are
kept with the map they belong to, whose position the source knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from mainstem.flowspec.source import Source
from mainstem.sdk.plugin import Fault, Plugin, Properties
from mainstem.sdk.registry import Registry, UnknownType
from mainstem.sdk.task import RunnableTask, Task

P = TypeVar("P", bound=Properties)

_DROPPABLE: Final = "extra_forbidden"


@dataclass(frozen=True, slots=True)
class Detail:
    """One fault below the map it was found in."""

    kind: str
    loc: tuple[str | int, ...]
    message: str
    value: object = None
    context: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """One map of the source and what was made of it."""

    properties: dict[str, Any]
    kind: type[Properties] | None
    made: Any
    details: tuple[Detail, ...] = ()


class Builder:
    """Makes the plug-ins of one flow and remembers each with its map."""

    def __init__(self, registry: Registry, source: Source, *, lenient: bool = False) -> None:
        self.registry = registry
        self.source = source
        self.lenient = lenient
        self.records: dict[int, Record] = {}
        self._context = {"registry": registry, "builder": self}

    def build(self, base: type[Plugin], value: object) -> object:
        """The plug-in that `value` describes, or a stand-in for it."""
        if not isinstance(value, dict):
            raise Fault("must be a map with a `type`", code="wrong-kind").error()
        kind, details = self._kind(base, value)
        made = None
        if kind is not None:
            made, details = self._validate(kind, value)
        if made is None:
            made = _stand_in(base, value)
        self.records[id(value)] = Record(value, kind, made, details)
        return made

    def build_properties(self, kind: type[P], value: dict[str, Any]) -> P | None:
        """The properties of a class known beforehand, such as a flow or a retry."""
        made, details = self._validate(kind, value)
        self.records[id(value)] = Record(value, kind, made, details)
        return made if isinstance(made, kind) else None

    def _kind(
        self, base: type[Plugin], value: Mapping[str, object]
    ) -> tuple[type[Plugin] | None, tuple[Detail, ...]]:
        name = value.get("type")
        if name is None:
            return None, (Detail("missing-type", (), "Invalid type: null"),)
        if not isinstance(name, str):
            return None, (Detail("invalid-type", ("type",), "`type` must be text"),)
        try:
            kind = self.registry.find(name)
        except UnknownType as error:
            context = {"suggestion": error.suggestion and f"Did you mean `{error.suggestion}`?"}
            unknown = Detail("invalid-type", ("type",), f"Invalid type: {name}", name, context)
            return None, (unknown,)
        if not issubclass(kind, base):
            message = f"`{name}` cannot be used as a {base.__name__}"
            return None, (Detail("wrong-kind", ("type",), message, name),)
        return kind, ()

    def _validate(
        self, kind: type[Properties], value: dict[str, Any]
    ) -> tuple[Properties | None, tuple[Detail, ...]]:
        try:
            return self._made(kind, value), ()
        except ValidationError as error:
            details = _details(error)
        except Exception as error:
            message = f"these properties cannot be read: {error}"
            return None, (Detail("unreadable", (), message),)
        if self.lenient and all(detail.kind == _DROPPABLE for detail in details):
            known = _without(value, [detail.loc for detail in details])
            return self._made(kind, known), ()
        return None, details

    def _made(self, kind: type[Properties], value: Mapping[str, Any]) -> Properties:
        return kind.model_validate(value, context=self._context, by_alias=True, by_name=False)


def _details(error: ValidationError) -> tuple[Detail, ...]:
    found = error.errors(include_url=False)
    return tuple(
        Detail(item["type"], item["loc"], item["msg"], item["input"], item.get("ctx", {}))
        for item in found
    )


def _without(value: Any, locs: list[tuple[str | int, ...]]) -> Any:
    """A copy of nested data that lacks the given entries."""
    here = {loc[0] for loc in locs if len(loc) == 1}
    below: dict[str | int, list[tuple[str | int, ...]]] = {}
    for loc in locs:
        if len(loc) > 1:
            below.setdefault(loc[0], []).append(loc[1:])
    if isinstance(value, dict):
        return {
            key: _without(item, below[key]) if key in below else item
            for key, item in value.items()
            if key not in here
        }
    if isinstance(value, list):
        return [_without(item, below.get(at, [])) for at, item in enumerate(value)]
    return value


@cache
def _stand_in_class(base: type[Plugin]) -> type[Plugin]:
    near = RunnableTask if issubclass(RunnableTask, base) and issubclass(base, Task) else base
    made = type(f"Unreadable{base.__name__}", (near,), {"__module__": __name__})
    made.__abstractmethods__ = frozenset()  # type: ignore[attr-defined]
    return made


def _stand_in(base: type[Plugin], value: Mapping[str, object]) -> Plugin:
    known: dict[str, Any] = {
        key: str(value.get(key) or "") for key in ("id", "type") if key in base.model_fields
    }
    return _stand_in_class(base).model_construct(**known)
