"""The `jq` filter: jq programs on values, without jq's ways out to the process and the disk."""

import json
import re
from collections.abc import Mapping
from itertools import chain
from typing import Any, Final

from mainstem.expr.errors import Fault
from mainstem.expr.jqpaths import walk
from mainstem.expr.jsonreading import first_json
from mainstem.expr.numbers import Float32, double_text, sized_integer
from mainstem.expr.printing import to_json
from mainstem.expr.scope import RenderOptions

_LONGEST_PROGRAM: Final = 20_000
_MAX_EXACT: Final = 2**53
_MAX_DOUBLE: Final = 10**300
# What reads the environment, other inputs or module files is replaced.
_GUARD: Final = (
    'def env: {}; def input: error("input is not available"); def inputs: empty;'
    " def debug: .; def debug(f): .; def stderr: .; def input_filename: null;"
    " def input_line_number: 0; def get_search_list: [];"
    ' def modulemeta: error("modules are not available");'
    " def leaf_paths: paths(scalars); def repeat(f): def r: ., (f | r); r;"
    ' def ltrimstr($x): if type == "string" and ($x | type) == "string" and startswith($x)'
    " then .[($x | length):] else . end;"
    ' def rtrimstr($x): if type == "string" and ($x | type) == "string" and endswith($x)'
    ' and $x != "" then .[:length - ($x | length)] else . end;'
    ' def halt: error("halt"); def halt_error: halt; def halt_error($c): halt;'
    " {} as $ENV | "
)
_TEXT: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"")
_HARMLESS: Final = re.compile(r"[<>=]=?\s*-?\d+(?:\.\d+)?|(?<=[\w\].])\[[-\d:\s]*\]")
_COMPUTING: Final = re.compile(
    r"[-+*/%@\\]|(?<![\w.])\d|(?<!\.)\b(?:add|length|tonumber|range|floor|ceil|round|sqrt|pow|log\w*|exp\w*|index"
    r"|rindex|indices|utf8bytelength|explode|implode|now|reduce|foreach|mktime|\w*date\w*|gmtime"
    r"|str[fp]time|paths?|leaf_paths|keys\w*|\w*_entries|limit|nth|f?abs|trunc|combinations|input\w*"
    r"|while|until|repeat|recurse\w*|infinite|nan|match|scan|capture|to(?:json|string)|fromjson|def)\b"
)
_DECODER: Final = json.JSONDecoder(parse_int=lambda text: sized_integer(int(text)))


def run_jq(program: str, value: object, options: RenderOptions) -> list[object]:
    """All results of a program; of a text the first JSON value is read, of an empty one null."""
    parsed, text = value, None
    if isinstance(value, str):
        try:
            parsed, text = first_json(value) if value.strip() else (None, "null")
        except Fault as fault:
            raise Fault("The input of `jq` is text but not JSON") from fault
    walked = walk(program, parsed, None if text else options)
    if walked is not None:
        return walked
    if text is None:
        text = to_json(value, options.timezone, most=options.max_output)
    if len(program) > _LONGEST_PROGRAM:
        raise Fault(f"A jq program may have {_LONGEST_PROGRAM} characters at most")
    if options.jq is None:
        raise Fault("`jq` programs that do more than walk can't be run here")
    outputs = options.jq(
        _GUARD + program, text, seconds=options.max_seconds, most=options.max_output
    )
    results = [_DECODER.decode(line) for line in outputs.split("\n") if line]
    exact = _exact(parsed, whole=not _computes(program))
    return [_restored(result, exact) for result in results] if exact else results


def _computes(program: str) -> bool:
    """Whether a number of the results may be none of the input's."""
    rest = _HARMLESS.sub("", _TEXT.sub("", program))
    return _COMPUTING.search(rest) is not None


def _exact(value: object, *, whole: bool) -> dict[float, float]:
    """The numbers that a double can't hold, or holds with another width, by their doubles.

    A whole double such as 30.0 is one of them only where no integer could be taken for it.
    """
    numbers = _numbers(value)
    special = [number for number in numbers if _may_change(number, whole=whole)]
    if not special:
        return {}
    integers = {float(n) for n in numbers if isinstance(n, int) and abs(n) <= _MAX_EXACT}
    exact: dict[float, float] = {}
    for number in special:
        if isinstance(number, int):
            exact[float(number)] = number
        else:
            double = float(double_text(number))
            if double not in integers or isinstance(number, Float32):
                exact[double] = number
    return exact


def _may_change(number: float, *, whole: bool) -> bool:
    if isinstance(number, int):
        return _MAX_EXACT < abs(number) < _MAX_DOUBLE
    return isinstance(number, Float32) or (whole and number.is_integer())


def _numbers(value: object) -> list[float]:
    """All numbers within a value, one level of nesting after the other."""
    found: list[float] = []
    level: list[Any] = [value]
    while level:
        kinds = set(map(type, level))
        numbers = {kind for kind in kinds if issubclass(kind, (int, float)) and kind is not bool}
        maps = {kind for kind in kinds if issubclass(kind, Mapping)}
        lists = {kind for kind in kinds if issubclass(kind, (list, tuple))}
        found.extend(item for item in level if type(item) in numbers)
        level = [
            *chain.from_iterable([item.values() for item in level if type(item) in maps]),
            *chain.from_iterable([item for item in level if type(item) in lists]),
        ]
    return found


def _restored(value: object, exact: Mapping[float, float]) -> object:
    """Numbers that passed through unchanged keep their width and all their digits."""
    if isinstance(value, dict):
        return {key: _restored(item, exact) for key, item in value.items()}
    if isinstance(value, list):
        return [_restored(item, exact) for item in value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    return exact.get(float(value), value) if abs(value) < _MAX_DOUBLE else value
