"""`kv/<namespace>.yaml`: key-value entries that a commit brings (pure)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mainstem.errors import InvalidInput, MainstemError
from mainstem.flowspec.problems import Problem
from mainstem.flowspec.source import Source, load
from mainstem.services.kv_values import Kind, check_key, coerce, encode, kind_of
from mainstem.store.columns import dump_json

_WRITTEN: Final = frozenset({"type", "value", "description"})


@dataclass(frozen=True, slots=True)
class Value:
    """An entry as it is stored."""

    kind: str
    value: object
    description: str | None = None

    @property
    def digest(self) -> str:
        text = dump_json([self.kind, self.value, self.description])
        return hashlib.sha256(text.encode()).hexdigest()


def read_values(text: str, path: str) -> tuple[dict[str, Value], list[Problem]]:
    """The entries of a file, and everything that is wrong with it."""
    source = load(text)
    problems = [
        Problem(path, remark.at.line, remark.at.column, remark.code, remark.message)
        for remark in source.remarks
    ]
    if source.data is None:
        return {}, problems
    if not isinstance(source.data, dict):
        return {}, [Problem(path, 1, 1, "not-a-map", "a map of keys to values is wanted")]
    found = {}
    for key in source.data:
        try:
            check_key(str(key))
            found[str(key)] = _value(source.data[key])
        except MainstemError as error:
            problems.append(_at(source, path, key, error.message))
    return found, problems


def _value(written: object) -> Value:
    if not isinstance(written, Mapping):
        kind = kind_of(written)
        return Value(kind.value, encode(coerce(written, kind), kind))
    unknown = set(written) - _WRITTEN
    if unknown or "value" not in written:
        raise InvalidInput(
            "a map holds `value`, and if wanted `type` and `description`; write a map as "
            "`{type: JSON, value: {…}}`"
        )
    name = written.get("type")
    known = [kind.value for kind in Kind]
    if name is not None and name not in known:
        raise InvalidInput(f"`{name}` is not a type: {', '.join(known)}")
    kind = Kind(name) if name is not None else kind_of(written["value"])
    description = written.get("description")
    return Value(
        kind.value,
        encode(coerce(written["value"], kind), kind),
        None if description is None else str(description),
    )


def _at(source: Source, path: str, key: object, message: str) -> Problem:
    at = source.key(source.data, str(key))
    line, column = at or (1, 1)
    return Problem(path, line, column, "value", message)
