"""Numbers as the dialect sees them: widths that a reader can ask for, arithmetic and text.

Plain int, float and Decimal are what variables hold. The subclasses only remember a width: they
compute like their base and matter to `className`, to JSON and to how a number is printed.
"""

import math
import re
import struct
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, Overflow
from typing import Final, SupportsFloat, TypeAlias

from mainstem.expr.errors import Fault

_MAX_BITS: Final = 1024
_DECIMAL128: Final = Context(prec=34, traps=[DivisionByZero, InvalidOperation, Overflow])
Number: TypeAlias = int | float | Decimal


class Long(int):
    """A 64-bit integer, as literals of a template are."""

    __slots__ = ()


class BigInteger(int):
    """An integer without bounds."""

    __slots__ = ()


class Float32(float):
    """A 32-bit number: rounded on entry, printed by its shortest 32-bit text."""

    __slots__ = ()

    def __new__(cls, value: SupportsFloat | str) -> "Float32":
        try:
            return super().__new__(cls, struct.unpack("f", struct.pack("f", float(value)))[0])
        except OverflowError:
            return super().__new__(cls, math.copysign(math.inf, float(value)))


def is_number(value: object) -> bool:
    """Whether a value counts as a number; booleans don't."""
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def as_number(value: object, doing: str) -> Number:
    """The value as a number, or a fault that says what it was needed for."""
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        return value
    kind = type_name(value)
    raise Fault(f"{doing} needs numbers but got {kind}; `number` converts text")


def type_name(value: object) -> str:
    """The kind of a value in the words of an error message."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (int, float, Decimal)):
        return "a number"
    if isinstance(value, (list, tuple, set, frozenset)):
        return "a list"
    return "a map" if hasattr(value, "keys") else f"a {type(value).__name__}"


def calculate(operator: str, left: object, right: object) -> Number:
    """`+ - * / %` on numbers of any width; integers divide to integers, towards zero."""
    a, b = as_number(left, f"`{operator}`"), as_number(right, f"`{operator}`")
    if isinstance(a, Decimal) or isinstance(b, Decimal):
        return _decimal(operator, _to_decimal(a), _to_decimal(b))
    if isinstance(a, int) and isinstance(b, int):
        return _integer(operator, int(a), int(b))
    result = _floating(operator, float(a), float(b))
    narrow = all(isinstance(x, (Float32, int)) for x in (a, b))
    return Float32(result) if narrow else result


def _integer(operator: str, a: int, b: int) -> int:
    if operator in "/%":
        if b == 0:
            raise Fault("Division by zero")
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return quotient if operator == "/" else a - b * quotient
    result = a + b if operator == "+" else a - b if operator == "-" else a * b
    if result.bit_length() > _MAX_BITS:
        raise Fault("The number grew too large")
    return result


def _floating(operator: str, a: float, b: float) -> float:
    if operator == "/":
        if b != 0:
            return a / b
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a)
    if operator == "%":
        return math.fmod(a, b) if b != 0 and not math.isinf(a) else math.nan
    return a + b if operator == "+" else a - b if operator == "-" else a * b


def _decimal(operator: str, a: Decimal, b: Decimal) -> Decimal:
    operations = {
        "+": _DECIMAL128.add,
        "-": _DECIMAL128.subtract,
        "*": _DECIMAL128.multiply,
        "/": _DECIMAL128.divide,
        "%": _DECIMAL128.remainder,
    }
    try:
        return operations[operator](a, b)
    except (DivisionByZero, InvalidOperation, Overflow) as error:
        raise Fault(f"`{operator}` has no result for these numbers") from error


def _to_decimal(value: Number) -> Decimal:
    if isinstance(value, Decimal):
        return value
    return Decimal(value) if isinstance(value, int) else Decimal(repr(float(value)))


def double_text(value: float) -> str:
    """Java's text of a double (or of a 32-bit number): `1.0`, `1.0E10`, `1.234E-5`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    shortest = _shortest32(value) if isinstance(value, Float32) else repr(value)
    size = abs(value)
    if (1e-3 <= size < 1e7 or size == 0) and "e" not in shortest:
        return shortest
    sign, digits, exponent = Decimal(shortest).as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    power = len(digits) - 1 + int(exponent)
    mark = "-" if sign else ""
    if 1e-3 <= size < 1e7 or size == 0:
        plain = format(Decimal(shortest), "f")
        return plain if "." in plain else plain + ".0"
    return f"{mark}{text[0]}.{text[1:] or '0'}E{power}"


def _shortest32(value: float) -> str:
    packed = struct.pack("f", value)
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if struct.pack("f", float(text)) == packed:
            return repr(float(text))
    return repr(float(value))


def number_text(value: Number) -> str:
    """A number as it is printed; decimals without exponent."""
    if isinstance(value, float):
        return double_text(value)
    return format(value, "f") if isinstance(value, Decimal) else int.__repr__(value)


_HEX: Final = re.compile(r"([+-]?)(?:0[xX]|#)([0-9a-fA-F]+)")
_OCTAL: Final = re.compile(r"([+-]?)0([0-9]+)")
_DIGITS: Final = re.compile(r"[+-]?\d+")
_REAL: Final = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,5}))?([fFdDlL]?)")


def parse_integer(text: str) -> int:
    """An integer in decimal, hexadecimal (`0x1F`, `#1F`) or octal (`017`) text."""
    if len(text) > 400:
        raise Fault("The number has too many digits")
    if found := _HEX.fullmatch(text):
        return int(found[1] + found[2], 16)
    if found := _OCTAL.fullmatch(text):
        if not found[2].strip("01234567"):
            return int(found[1] + found[2], 8)
        raise Fault("A number that starts with 0 is octal and has no digit 8 or 9")
    if _DIGITS.fullmatch(text):
        return int(text)
    raise Fault("The text is not an integer")


def sized_integer(value: int) -> int:
    """An integer in the smallest width that holds it."""
    if -(2**31) <= value < 2**31:
        return value
    return Long(value) if -(2**63) <= value < 2**63 else BigInteger(value)


def parse_number(text: str) -> Number:
    """A number in the smallest type that holds it: 32 bits, 64 bits, then without bounds."""
    if _HEX.fullmatch(text) or _DIGITS.fullmatch(text):
        return sized_integer(parse_integer(text))
    found = _REAL.fullmatch(text)
    if found is None or not (found[2] or found[3]) or len(text) > 400:
        raise Fault("The text is not a number")
    suffix = found[5].lower()
    if suffix == "l":
        return Long(parse_integer(text[:-1]))
    bare = text[:-1] if suffix else text
    if suffix:
        return Float32(bare) if suffix == "f" else float(bare)
    return _smallest_real(bare, len(found[3] or ""))


def _smallest_real(text: str, decimals: int) -> Number:
    exact = Decimal(text)
    narrow = Float32(text)
    if decimals <= 7 and not math.isinf(narrow) and (float(narrow) != 0 or exact == 0):
        return narrow
    wide = float(text)
    if decimals <= 16 and not math.isinf(wide) and (wide != 0 or exact == 0):
        return wide
    return exact
