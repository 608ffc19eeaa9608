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
_MAX_TURNS: Final = 100_000
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
        " def _range($a; $b): range($a; $b); def _range($a; $b; $s): range($a; $b; $s);"
        " def range($a; $b): _most($b - $a) | _range($a; $b); def range($n): range(0; $n);"
        " def range($a; $b; $s): _most(if $s == 0 then infinite else ($b - $a) / $s end)"
        " | _range($a; $b; $s);"
        " def repeat(f): def r($n): _most($n) | ., (f | r($n + 1)); r(0);"
        " def until(c; f): def u($n): _most($n) | if c then . else (f | u($n + 1)) end; u(0);"
        " def while(c; f): def w($n): _most($n) | select(c) | ., (f | w($n + 1)); w(0);"
        " def recurse(f): def r($n): _most($n) | ., (f | r($n + 1)); r(0);"
        " def recurse(f; c): def r($n): _most($n) | ., (f | select(c) | r($n + 1)); r(0);"
        " {{}} as $ENV | "
    )
    .replace("{turns}", str(_MAX_TURNS))
    .replace("{{}}", "{}")
)
_DEF: Final = re.compile(r"\bdef\s+([A-Za-z_]\w*)")


def run_jq(program: str, value: object, options: RenderOptions) -> list[object]:
    """All results of a program; text input is read as JSON first."""
    text = value if isinstance(value, str) else to_json(value, options.timezone)
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Fault("The input of `jq` is text but not JSON") from error
    try:
        outputs = _compiled(program).input_text(text).text()
    except (ValueError, StopIteration) as error:
        reason = str(error).replace("\n", " ")[:300]
        raise Fault(f"`jq` can't apply its expression: {reason}") from error
    if len(outputs) > options.max_output:
        raise Fault("`jq` made more text than allowed")
    results = [_number_types(json.loads(line)) for line in outputs.splitlines()]
    narrow = {float(double_text(leaf)): leaf for leaf in _narrow_leaves(value)}
    return [_restored(result, narrow) for result in results] if narrow else results


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


def _narrow_leaves(value: object) -> Iterator[Float32]:
    if isinstance(value, Float32):
        yield value
    elif isinstance(value, Mapping):
        for item in list(value.values()):
            yield from _narrow_leaves(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _narrow_leaves(item)


def _restored(value: object, narrow: Mapping[float, Float32]) -> object:
    """Numbers that passed through unchanged keep their 32 bits."""
    if isinstance(value, dict):
        return {key: _restored(item, narrow) for key, item in value.items()}
    if isinstance(value, list):
        return [_restored(item, narrow) for item in value]
    return narrow.get(value, value) if type(value) is float else value
