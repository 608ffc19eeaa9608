"""What the operators mean for plain values: truth, equality, order, sum, membership, attributes."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, TypeAlias

from mainstem.expr.errors import Fault
from mainstem.expr.numbers import as_number, calculate, is_number, sized_integer, type_name
from mainstem.expr.printing import java_string, text_of

Listlike: TypeAlias = list[object] | tuple[object, ...] | set[object] | frozenset[object]
LISTS: Final = (list, tuple, set, frozenset)
MISSING: Final = object()
MAX_LIST: Final = 1_000_000
_CHARS: Final = 0x110000


def is_true(value: object, where: str) -> bool:
    """The truth of `if`, `and`, `or` and `not`: non-empty text and non-zero numbers hold."""
    if value is True or value is False:
        return value
    if isinstance(value, str):
        return value != ""
    if is_number(value):
        return value != 0  # so that NaN holds, as in the reference
    raise Fault(f"{where} needs a boolean, text or a number but got {type_name(value)}")


def chooses(value: object) -> bool:
    """The condition of a ternary: as `is_true`, but null is false."""
    return value is not None and is_true(value, "`?:`")


def equal(left: object, right: object) -> bool:
    """Numbers by value across types, booleans only to booleans, all else by its content."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (*LISTS, Mapping)) and isinstance(right, (*LISTS, Mapping)):
        return _equal_deeply(left, right, set())
    if isinstance(left, Decimal) and isinstance(right, float):
        return float(left) == right
    if isinstance(right, Decimal) and isinstance(left, float):
        return float(right) == left
    return left == right


def _equal_deeply(left: object, right: object, known: set[tuple[int, int]]) -> bool:
    """Lists and maps by their parts; a pair that recurs is compared once."""
    pair = (id(left), id(right))
    if left is right or pair in known:
        return True
    if isinstance(left, LISTS) and isinstance(right, LISTS):
        a, b = list(left), list(right)
        same = len(a) == len(b)
        same = same and all(_equal_deeply(x, y, known) for x, y in zip(a, b, strict=True))
    elif isinstance(left, Mapping) and isinstance(right, Mapping):
        same = left.keys() == right.keys()
        same = same and all(_equal_deeply(left[key], right[key], known) for key in list(left))
    else:  # a list is never equal to a map
        nested = isinstance(left, (*LISTS, Mapping)) and isinstance(right, (*LISTS, Mapping))
        return not nested and equal(left, right)
    if same:
        known.add(pair)
    return same


def compare(operator: str, left: object, right: object) -> bool:
    """`< > <= >=`, for numbers only; nothing is less or greater than null."""
    if left is None or right is None:
        return False
    a, b = as_number(left, f"`{operator}`"), as_number(right, f"`{operator}`")
    if isinstance(a, Decimal) != isinstance(b, Decimal):
        a, b = Decimal(str(a)), Decimal(str(b))
    if operator == "<":
        return a < b
    if operator == "<=":
        return a <= b
    return a > b if operator == ">" else a >= b


def add(left: object, right: object) -> object:
    """Sum of numbers; text joins anything; a list takes an element or another list."""
    if isinstance(left, str) or isinstance(right, str):
        first = "null" if left is None else java_string(left)
        return first + ("null" if right is None else java_string(right))
    if isinstance(left, LISTS):
        total = [*left, *right] if isinstance(right, LISTS) else [*left, right]
        if len(total) > MAX_LIST:
            raise Fault(f"The list grew beyond the {MAX_LIST} elements that are allowed")
        return total
    return calculate("+", left, right)


def subtract(left: object, right: object) -> object:
    """Difference of numbers, or of a list and the elements it shall lose."""
    if isinstance(left, LISTS):
        if isinstance(right, LISTS):
            return [item for item in left if not holds(right, item)]
        return _without_first(list(left), right)
    return calculate("-", left, right)


def _without_first(items: list[object], lost: object) -> list[object]:
    for index, item in enumerate(items):
        if equal(item, lost):
            return items[:index] + items[index + 1 :]
    return items


def holds(items: Listlike, wanted: object) -> bool:
    """Whether a list has an element equal to the one wanted."""
    return any(equal(item, wanted) for item in items)


def is_in(left: object, right: object) -> bool:
    """`in`: an element of a list, or a key or value of a map, compared as text."""
    if left is None or right is None:
        return False
    wanted = java_string(left)
    if isinstance(right, Mapping):
        return any(wanted in (java_string(key), java_string(value)) for key, value in right.items())
    return isinstance(right, LISTS) and any(wanted == java_string(item) for item in right)


def contains(left: object, right: object) -> bool:
    """`contains`: a part of text, one or all of some elements of a list, a key of a map."""
    if left is None:
        return False
    if isinstance(left, str):
        return ("null" if right is None else java_string(right)) in left
    if isinstance(left, Mapping):
        return lookup(left, right) is not MISSING
    if isinstance(left, LISTS):
        if isinstance(right, LISTS):
            return all(holds(left, item) for item in right)
        return holds(left, right)
    raise Fault(f"`contains` needs text, a list or a map but got {type_name(left)}")


def char_or_int_range(start: object, end: object, step: object, most: int) -> list[object]:
    """The inclusive range of `..` and `range()`, of integers or of single characters."""
    if not is_number(step):
        raise Fault(f"The increment of a range must be a number but is {type_name(step)}")
    stride = int(as_number(step, "The increment"))
    if stride == 0:
        raise Fault("The increment of a range must not be 0")
    if is_number(start) and is_number(end):
        first, last = int(as_number(start, "A range")), int(as_number(end, "A range"))
        return [sized_integer(n) for n in _bounded(first, last, stride, most)]
    if isinstance(start, str) and isinstance(end, str) and len(start) == len(end) == 1:
        return [chr(n) for n in _bounded(ord(start), ord(end), stride, most) if 0 <= n < _CHARS]
    raise Fault("The ends of a range must be two numbers or two single characters")


def _bounded(first: int, last: int, stride: int, most: int) -> range:
    numbers = range(first, last + (1 if stride > 0 else -1), stride)
    if (last - first) // stride >= most:
        raise Fault(f"The range has more than the {most} elements that are allowed")
    return numbers


def lookup(target: object, key: object) -> object:
    """`target[key]` on maps and lists, or MISSING; nothing else has attributes."""
    if isinstance(target, Mapping):
        return _lookup_map(target, key)
    if isinstance(target, (list, tuple)):
        index = _index(key)
        if index is not None and 0 <= index < len(target):
            return target[index]
    return MISSING


def _lookup_map(target: Mapping[object, object], key: object) -> object:
    try:
        found = target.get(key, MISSING)
        if found is MISSING and key is not None and not isinstance(key, str):
            found = target.get(text_of(key), MISSING)
    except TypeError:
        return MISSING
    return found


def _index(key: object) -> int | None:
    if isinstance(key, int) and not isinstance(key, bool):
        return int(key)
    if isinstance(key, str) and key.isascii() and key.isdigit() and len(key) < 10:
        return int(key)
    return None
