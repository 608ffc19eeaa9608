"""jq programs that only walk: `.rows[].name`, `.a["b"][0]?`, `.x | .y, .z`, `[.rows[].id]`.

Most programs of flows are of this kind. Walked here, numbers keep the width and the digits they
have, and the jq library need not be loaded.
"""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Final, TypeAlias

from mainstem.expr.errors import Fault
from mainstem.expr.isodates import json_date
from mainstem.expr.numbers import type_name
from mainstem.expr.printing import java_string
from mainstem.expr.scope import RenderOptions

Step: TypeAlias = Callable[[object], Iterator[object]]
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<mark>[|,?])|(?P<all>\[\s*\])|\[\s*(?P<start>-?\d{1,9})?\s*:\s*(?P<end>-?\d{1,9})?\s*\]"
    r"|\[\s*(?P<index>-?\d{1,9})\s*\]|\[\s*\"(?P<quoted>[^\"\\]*)\"\s*\]"
    r"|\.(?:(?P<name>[A-Za-z_]\w*)|\"(?P<text>[^\"\\]*)\")|(?P<dot>\.(?!\.)))",
    re.ASCII,
)
_ARRAY: Final = re.compile(r"\s*\[(.*\S.*)\]\s*", re.DOTALL)
_MAX_NESTING: Final = 200
_MOST_RESULTS: Final = 100_000


def walk(program: str, value: object, options: RenderOptions | None) -> list[object] | None:
    """All results, or None for a program that does more; options if the value is no JSON yet."""
    steps = _steps(program)
    if steps is None:
        return None
    return _all(steps(value if options is None else _Tree(options).of(value, 0)))


def _all(results: Iterator[object]) -> list[object]:
    found = list(islice(results, _MOST_RESULTS + 1))
    if len(found) > _MOST_RESULTS:
        raise Fault(f"`jq` gives more than {_MOST_RESULTS} results")
    return found


@lru_cache(maxsize=256)
def _steps(program: str) -> Step | None:
    """The walk of a program, or of the one that an array is made of."""
    listed = _ARRAY.fullmatch(program)
    if listed is None:
        return _walk(program)
    inner = _walk(listed[1])
    return inner and _listed(inner)


def _listed(inner: Step) -> Step:
    return lambda value: iter((_all(inner(value)),))


def _walk(program: str) -> Step | None:
    """The walk of a program: alternatives, each a chain of steps, between pipes."""
    stages: list[list[list[Step]]] = [[[]]]
    at, fresh = 0, True
    while at < len(program.rstrip()):
        found = _TOKEN.match(program, at)
        if found is None:
            return None
        at = found.end()
        mark, chain = found["mark"], stages[-1][-1]
        if mark in ("|", ","):
            if fresh:
                return None
            if mark == "|":
                stages.append([[]])
            else:
                stages[-1].append([])
            fresh = True
        elif mark == "?":
            if fresh:
                return None
            chain[:] = [_forgiving(_chained(list(chain)))]
        else:
            step = _step(found, fresh=fresh)
            if step is None:
                return None
            chain.append(step)
            fresh = False
    if fresh:
        return None
    return _chained([_either([_chained(chain) for chain in stage]) for stage in stages])


def _step(found: re.Match[str], *, fresh: bool) -> Step | None:
    """One part of a path; a path begins with a dot."""
    kind = found.lastgroup
    if kind == "dot":
        return (lambda value: iter((value,))) if fresh else None
    if kind in ("name", "text"):
        return _keyed(found[kind])
    if fresh:
        return None
    if kind == "quoted":
        return _keyed(found["quoted"])
    if kind == "index":
        return _indexed(int(found["index"]))
    return _every if kind == "all" else _sliced(found["start"], found["end"])


def _chained(steps: list[Step]) -> Step:
    def run(value: object, at: int = 0) -> Iterator[object]:
        if at == len(steps):
            yield value
            return
        for result in steps[at](value):
            yield from run(result, at + 1)

    return run


def _either(choices: list[Step]) -> Step:
    def run(value: object) -> Iterator[object]:
        for choice in choices:
            yield from choice(value)

    return run


def _forgiving(step: Step) -> Step:
    def run(value: object) -> Iterator[object]:
        try:
            yield from step(value)
        except _CannotWalk:
            return

    return run


class _CannotWalk(Fault):
    """A step that the value has no answer to; `?` forgives it."""


def _keyed(key: str) -> Step:
    def run(value: object) -> Iterator[object]:
        if value is not None and not isinstance(value, dict):
            raise _CannotWalk(f"`jq` can't look up a key in {type_name(value)}")
        yield None if value is None else value.get(key)

    return run


def _indexed(index: int) -> Step:
    def run(value: object) -> Iterator[object]:
        if value is not None and not isinstance(value, list):
            raise _CannotWalk(f"`jq` can't look up an index in {type_name(value)}")
        items = value or []
        yield items[index] if -len(items) <= index < len(items) else None

    return run


def _sliced(start: str | None, end: str | None) -> Step:
    part = slice(None if start is None else int(start), None if end is None else int(end))

    def run(value: object) -> Iterator[object]:
        if value is not None and not isinstance(value, (list, str)):
            raise _CannotWalk(f"`jq` can't take a part of {type_name(value)}")
        yield None if value is None else value[part]

    return run


def _every(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        return iter(list(value.values()))
    if isinstance(value, list):
        return iter(value)
    raise _CannotWalk(f"`jq` can't go through {type_name(value)}")


class _Tree:
    """A value as its JSON would be read: dates are text, entries of maps are not null."""

    def __init__(self, options: RenderOptions) -> None:
        self._zone = options.timezone
        self._left = options.max_output // 8

    def of(self, value: object, depth: int) -> object:
        self._left -= 1
        if depth > _MAX_NESTING or self._left < 0:
            raise Fault("The value is nested more deeply or larger than allowed for `jq`")
        if isinstance(value, Mapping):
            return {
                key if isinstance(key, str) else java_string(key): self.of(item, depth + 1)
                for key, item in list(value.items())
                if item is not None
            }
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.of(item, depth + 1) for item in value]
        return self._leaf(value)

    def _leaf(self, value: object) -> object:
        if isinstance(value, timedelta):
            return value.total_seconds()
        if isinstance(value, (datetime, date, time)):
            return json_date(value, self._zone)
        if isinstance(value, Decimal) and value.is_finite():
            return value.normalize()
        return base64.b64encode(value).decode() if isinstance(value, bytes) else value
