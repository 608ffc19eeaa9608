"""The `jq` filter: jq programs on values, without jq's ways out to the process and the disk."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from mainstem.expr.errors import Fault
from mainstem.expr.numbers import Float32, double_text, sized_integer
from mainstem.expr.printing import to_json
from mainstem.expr.scope import RenderOptions

_LONGEST_PROGRAM: Final = 20_000
_MAX_EXACT: Final = 2**53
_MAX_DOUBLE: Final = 10**300
_MAX_TURNS: Final = 100_000
_MAX_OUTPUTS: Final = 2_000  # of a generator, whose cost grows with the square of them
# jq runs inside this process and can't be interrupted: what could loop for ever is bounded here,
# and what reads the environment, other inputs or module files is replaced.
_GUARD: Final = (
    (
        'def env: {}; def input: error("input is not available"); def inputs: empty;'
        " def debug: .; def debug(f): .; def stderr: .; def input_filename: null;"
        " def input_line_number: 0; def get_search_list: [];"
        ' def modulemeta: error("modules are not available");'
        ' def halt: error("halt"); def halt_error: halt; def halt_error($c): halt;'
        ' def _most($n): if $n > {turns} then error("more than {turns} turns") else . end;'
        ' def _few($n): if $n > {few} then error("more than {few} turns") else . end;'
        " def _range($a; $b): range($a; $b); def _range($a; $b; $s): range($a; $b; $s);"
        " def range($a; $b): _most($b - $a) | _range($a; $b); def range($n): range(0; $n);"
        " def range($a; $b; $s): _most(if $s == 0 then infinite else ($b - $a) / $s end)"
        " | _range($a; $b; $s);"
        " def repeat(f): def r($n): _few($n) | ., (f | r($n + 1)); r(0);"
        " def until(c; f): def u($n): _most($n) | if c then . else (f | u($n + 1)) end; u(0);"
        " def while(c; f): def w($n): _few($n) | select(c) | ., (f | w($n + 1)); w(0);"
        " def recurse(f): def r($n): _few($n) | ., (f | r($n + 1)); r(0);"
        " def recurse(f; c): def r($n): _few($n) | ., (f | select(c) | r($n + 1)); r(0);"
        " {} as $ENV | "
    )
    .replace("{turns}", str(_MAX_TURNS))
    .replace("{few}", str(_MAX_OUTPUTS))
)
_DEF: Final = re.compile(r"\bdef\s+([A-Za-z_]\w*)")


def run_jq(program: str, value: object, options: RenderOptions) -> list[object]:
    """All results of a program; text input is read as JSON first."""
    text = value if isinstance(value, str) else None
    if text is None:
        text = to_json(value, options.timezone, most=options.max_output)
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Fault("The input of `jq` is text but not JSON") from error
    try:
        outputs = _compiled(program).input_text(text).text()
    except (ValueError, StopIteration) as error:
        reason = str(error).replace("\n", " ")[:300]
        raise Fault(f"`jq` can't apply its expression: {reason}") from error
    if len(outputs) > options.max_output:
        raise Fault("`jq` made more text than allowed")
    results = [_number_types(json.loads(line)) for line in outputs.split("\n") if line]
    exact = {_as_jq(leaf): leaf for leaf in (*_leaves(value), *_leaves(parsed))}
    return [_restored(result, exact) for result in results] if exact else results


def _as_jq(leaf: int | Float32) -> float:
    """A number as jq's doubles hold it."""
    return float(double_text(leaf)) if isinstance(leaf, Float32) else float(leaf)


@lru_cache(maxsize=256)
def _compiled(program: str) -> Any:
    import jq  # slow to load

    if len(program) > _LONGEST_PROGRAM:
        raise Fault(f"A jq program may have {_LONGEST_PROGRAM} characters at most")
    for name in _DEF.findall(program):
        if _recursive(program, name):
            raise Fault(f"The jq function `{name}` calls itself, which is not allowed")
    try:
        return jq.compile(_GUARD + program)
    except ValueError as error:
        raise Fault(f"`jq` can't read its expression: {str(error)[:300]}") from error


def _recursive(program: str, name: str) -> bool:
    """Whether a definition's body names itself; a body reaches to the `;` of its own level."""
    start = re.search(rf"\bdef\s+{name}\b", program)
    if start is None:
        return False
    level = 0
    words = re.compile(r"\"(?:[^\"\\]|\\.)*\"|\bdef\b|[();]|[A-Za-z_]\w*")
    for word in words.finditer(program, start.end()):
        if word[0] == name:
            return True
        level += {"(": 1, ")": -1, "def": 1}.get(word[0], 0)
        if word[0] == ";":
            if level == 0:
                return False
            level -= 1 if level else 0
    return False


def _number_types(value: object) -> object:
    if isinstance(value, dict):
        return {key: _number_types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_number_types(item) for item in value]
    return sized_integer(value) if type(value) is int else value


def _leaves(value: object) -> Iterator[int | Float32]:
    """The numbers that a double can't hold, or holds with another width."""
    if isinstance(value, Float32):
        yield value
    elif isinstance(value, int) and not isinstance(value, bool):
        if _MAX_EXACT < abs(value) < _MAX_DOUBLE:
            yield value
    elif isinstance(value, Mapping):
        for item in list(value.values()):
            yield from _leaves(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item)


def _restored(value: object, exact: Mapping[float, int | Float32]) -> object:
    """Numbers that passed through unchanged keep their width and all their digits."""
    if isinstance(value, dict):
        return {key: _restored(item, exact) for key, item in value.items()}
    if isinstance(value, list):
        return [_restored(item, exact) for item in value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return exact.get(float(value), value) if abs(value) < _MAX_DOUBLE else value
