"""Methods and properties of values: `text.length()`, `list.size`, `date.plusDays(1)`.

The reference lets an expression call public Java methods. Those that flows use on texts, lists,
maps, numbers and dates are kept here as plain functions; no other attribute can be reached.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from mainstem.expr.arguments import a_text, an_integer
from mainstem.expr.errors import Fault
from mainstem.expr.filters_dates import add_units
from mainstem.expr.filters_text import java_trim, replace_texts
from mainstem.expr.functions_calendar import DAYS, MONTHS
from mainstem.expr.numbers import Float32, Long, type_name
from mainstem.expr.operators import LISTS, MISSING, equal, holds, lookup
from mainstem.expr.printing import entries, java_string
from mainstem.expr.regexes import JavaRegex
from mainstem.expr.runtime import Evaluation

Method = Callable[..., object]


def _substring(ev: Evaluation, text: str, start: object, end: object = None) -> object:
    first = an_integer(start, "beginIndex")
    last = len(text) if end is None else an_integer(end, "endIndex")
    if not 0 <= first <= last <= len(text):
        raise Fault(f"A part of a text must lie within its {len(text)} characters")
    return text[first:last]


def _char_at(ev: Evaluation, text: str, index: object) -> object:
    place = an_integer(index, "index")
    if not 0 <= place < len(text):
        raise Fault(f"There is no character {place} in a text of {len(text)}")
    return text[place]


def _replace(ev: Evaluation, text: str, old: object, new: object) -> object:
    pair = (a_text(old, "target"), a_text(new, "replacement"))
    return replace_texts(text, [pair], ev.options.max_output)


def _replace_all(ev: Evaluation, text: str, regex: object, new: object) -> object:
    return JavaRegex(a_text(regex, "regex"), ev.options).replace(text, a_text(new, "replacement"))


def _split(ev: Evaluation, text: str, regex: object, limit: object = 0) -> object:
    return JavaRegex(a_text(regex, "regex"), ev.options).split(text, an_integer(limit, "limit"))


def _matches(ev: Evaluation, text: str, regex: object) -> object:
    return JavaRegex(a_text(regex, "regex"), ev.options).matches(text)


def _repeat(ev: Evaluation, text: str, count: object) -> object:
    times = an_integer(count, "count")
    if times < 0 or times * len(text) > ev.options.max_output:
        raise Fault("`count` is negative or would make more text than allowed")
    return text * times


def _same(ev: Evaluation, value: object, other: object) -> object:
    return equal(value, other)


def _text_form(ev: Evaluation, value: object) -> object:
    return java_string(value)


_TEXT: Final[dict[str, Method]] = {
    "charAt": _char_at,
    "concat": lambda _, text, other: text + a_text(other, "str"),
    "contains": lambda _, text, part: a_text(part, "s") in text,
    "endsWith": lambda _, text, part: text.endswith(a_text(part, "suffix")),
    "equalsIgnoreCase": lambda _, text, other: (
        isinstance(other, str) and text.lower() == other.lower()
    ),
    "indexOf": lambda _, text, part: text.find(a_text(part, "str")),
    "isBlank": lambda _, text: not text.strip(),
    "isEmpty": lambda _, text: not text,
    "lastIndexOf": lambda _, text, part: text.rfind(a_text(part, "str")),
    "length": lambda _, text: len(text),
    "matches": _matches,
    "repeat": _repeat,
    "replace": _replace,
    "replaceAll": _replace_all,
    "split": _split,
    "startsWith": lambda _, text, part: text.startswith(a_text(part, "prefix")),
    "strip": lambda _, text: text.strip(),
    "substring": _substring,
    "toLowerCase": lambda _, text: text.lower(),
    "toUpperCase": lambda _, text: text.upper(),
    "trim": lambda _, text: java_trim(text),
}


def _at(ev: Evaluation, items: Any, index: object) -> object:
    found = lookup(list(items), an_integer(index, "index"))
    if found is MISSING:
        raise Fault(f"There is no element of that index among {len(items)}")
    return found


def _index_of(ev: Evaluation, items: Any, wanted: object) -> object:
    return next((n for n, item in enumerate(list(items)) if equal(item, wanted)), -1)


def _sub_list(ev: Evaluation, items: Any, start: object, end: object) -> object:
    first, last = an_integer(start, "fromIndex"), an_integer(end, "toIndex")
    if not 0 <= first <= last <= len(items):
        raise Fault(f"A part of a list must lie within its {len(items)} elements")
    return list(items)[first:last]


_LIST: Final[dict[str, Method]] = {
    "contains": lambda _, items, wanted: holds(items, wanted),
    "get": _at,
    "indexOf": _index_of,
    "isEmpty": lambda _, items: not items,
    "size": lambda _, items: len(items),
    "subList": _sub_list,
}


def _in_map(ev: Evaluation, items: Any, key: object, default: object = None) -> object:
    found = lookup(items, key)
    return default if found is MISSING else found


_MAP: Final[dict[str, Method]] = {
    "containsKey": lambda _, items, key: lookup(items, key) is not MISSING,
    "containsValue": lambda _, items, value: holds(list(items.values()), value),
    "entrySet": lambda _, items: entries(items),
    "get": lambda ev, items, key: _in_map(ev, items, key),
    "getOrDefault": _in_map,
    "isEmpty": lambda _, items: not items,
    "keySet": lambda _, items: list(items),
    "size": lambda _, items: len(items),
    "values": lambda _, items: list(items.values()),
}
_NUMBER: Final[dict[str, Method]] = {
    "doubleValue": lambda _, number: float(number),
    "floatValue": lambda _, number: Float32(number),
    "intValue": lambda _, number: int(number),
    "longValue": lambda _, number: Long(number),
}


def _moving(unit: str, sign: int) -> Method:
    def move(ev: Evaluation, value: Any, amount: object) -> object:
        return add_units(value, sign * an_integer(amount, unit.lower()), unit)

    return move


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    raise Fault("This needs a date with a time and a zone")


_DAY: Final[dict[str, Method]] = {
    "getDayOfMonth": lambda _, value: value.day,
    "getDayOfWeek": lambda _, value: DAYS[value.weekday()],
    "getDayOfYear": lambda _, value: value.timetuple().tm_yday,
    "getMonth": lambda _, value: MONTHS[value.month - 1],
    "getMonthValue": lambda _, value: value.month,
    "getYear": lambda _, value: value.year,
    **{f"plus{unit}": _moving(unit.upper(), 1) for unit in ("Days", "Weeks", "Months", "Years")},
    **{f"minus{unit}": _moving(unit.upper(), -1) for unit in ("Days", "Weeks", "Months", "Years")},
}
_TIME: Final[dict[str, Method]] = {
    **_DAY,
    "getHour": lambda _, value: value.hour,
    "getMinute": lambda _, value: value.minute,
    "getNano": lambda _, value: value.microsecond * 1000,
    "getSecond": lambda _, value: value.second,
    "toEpochSecond": lambda _, value: int(_moment(value).timestamp() // 1),
    "toInstant": lambda _, value: _moment(value).astimezone(UTC),
    "toLocalDate": lambda _, value: value.date(),
    "toLocalDateTime": lambda _, value: value.replace(tzinfo=None),
    **{f"plus{unit}": _moving(unit.upper(), 1) for unit in ("Seconds", "Minutes", "Hours")},
    **{f"minus{unit}": _moving(unit.upper(), -1) for unit in ("Seconds", "Minutes", "Hours")},
}
_LENGTH: Final[dict[str, Method]] = {
    "toDays": lambda _, value: value // timedelta(days=1),
    "toHours": lambda _, value: value // timedelta(hours=1),
    "toMillis": lambda _, value: value // timedelta(milliseconds=1),
    "toMinutes": lambda _, value: value // timedelta(minutes=1),
    "toSeconds": lambda _, value: value // timedelta(seconds=1),
}
_ALL: Final[dict[str, Method]] = {"equals": _same, "toString": _text_form}
_KINDS: Final[tuple[tuple[type | tuple[type, ...], dict[str, Method]], ...]] = (
    (bool, {}),
    (str, _TEXT),
    (LISTS, _LIST),
    (Mapping, _MAP),
    ((int, float, Decimal), _NUMBER),
    (datetime, _TIME),
    (date, _DAY),
    (timedelta, _LENGTH),
)
METHOD_NAMES: Final = sorted({name for _, kind in _KINDS for name in kind} | set(_ALL))
_PREFIXES: Final = ("get", "is", "has")


def find_method(value: object, name: str) -> Method | None:
    """The method of that name, or None; null has none."""
    if value is None:
        return None
    kind = next((methods for kinds, methods in _KINDS if isinstance(value, kinds)), {})
    return kind.get(name) or _ALL.get(name)


def call_method(ev: Evaluation, value: object, name: str, given: list[object]) -> object:
    """What `value.name(…)` gives, or MISSING where there is no such method."""
    method = find_method(value, name)
    if method is None:
        return MISSING
    try:
        return method(ev, value, *given)
    except (TypeError, ValueError, ArithmeticError) as error:
        kind = type_name(value)
        raise Fault(f"`.{name}()` of {kind} can't be called with these arguments") from error


def read_property(ev: Evaluation, value: object, key: object) -> object:
    """What `value.name` gives where the value is no map: `size`, `length`, `year`; or MISSING."""
    if not isinstance(key, str) or isinstance(value, Mapping) or not key:
        return MISSING
    names = [prefix + key[0].upper() + key[1:] for prefix in _PREFIXES]
    for name in (*names, key):
        if find_method(value, name) is not None:
            return call_method(ev, value, name, [])
    return MISSING
