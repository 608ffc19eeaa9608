"""Filters on numbers, and the Java class names that stand for the kinds of values."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from mainstem.expr.arguments import an_optional_text
from mainstem.expr.decimals import format_decimal
from mainstem.expr.errors import Fault
from mainstem.expr.isodates import is_instant
from mainstem.expr.numbers import (
    BigInteger,
    Float32,
    Long,
    as_number,
    parse_integer,
    parse_number,
    sized_integer,
    type_name,
)
from mainstem.expr.operators import LISTS
from mainstem.expr.runtime import Evaluation


def absolute(_: Evaluation, value: object) -> object:
    if value is None:
        raise Fault("`abs` can't be applied to null")
    number = as_number(value, "`abs`")
    return Float32(abs(number)) if isinstance(number, Float32) else abs(number)


_JAVA_FLOAT: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def _bounded(value: int, bits: int, name: str) -> int:
    if not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
        raise Fault(f"The number doesn't fit into {name}")
    return value


_NUMBER_TYPES: Final[dict[str, Callable[[str], object]]] = {
    "INT": lambda text: _bounded(parse_integer(text), 32, "INT"),
    "LONG": lambda text: Long(_bounded(parse_integer(text), 64, "LONG")),
    "FLOAT": lambda text: Float32(_java_float(text)),
    "DOUBLE": lambda text: float(_java_float(text)),
    "BIGDECIMAL": Decimal,
    "BIGINTEGER": lambda text: BigInteger(parse_integer(text)),
}


def _java_float(text: str) -> str:
    bare = text.strip()
    if bare.lstrip("+-") in ("NaN", "Infinity"):
        return bare
    bare = bare.removesuffix(bare[-1]) if bare[-1:] in tuple("fFdD") else bare
    if bare.lstrip("+-")[:2] in ("0x", "0X") and "p" in text.lower():
        return repr(float.fromhex(bare))
    if not _JAVA_FLOAT.fullmatch(bare):
        raise ValueError(text)
    return bare


def number(_: Evaluation, value: object, kind: object = None) -> object:
    if value is None:
        return None
    if not isinstance(value, str):
        raise Fault(f"`number` needs text but got {type_name(value)}")
    wanted = an_optional_text(kind, "type") or ""
    convert = _NUMBER_TYPES.get(wanted, parse_number)
    if len(value) > 400:
        raise Fault("The number has too many digits")
    try:
        return convert(value)
    except (ValueError, ArithmeticError) as error:
        raise Fault(f"The text is not a number{f' of type {wanted}' if wanted else ''}") from error


def number_format(ev: Evaluation, value: object, pattern: object = None) -> object:
    if value is None:
        return None
    figure = as_number(value, "`numberFormat`")
    return format_decimal(figure, an_optional_text(pattern, "format"), ev.options.locale)


_CLASSES: Final[tuple[tuple[type | tuple[type, ...], str], ...]] = (
    (bool, "java.lang.Boolean"),
    (str, "java.lang.String"),
    (BigInteger, "java.math.BigInteger"),
    (Long, "java.lang.Long"),
    (Float32, "java.lang.Float"),
    (float, "java.lang.Double"),
    (Decimal, "java.math.BigDecimal"),
    (bytes, "[B"),
    (date, "java.time.LocalDate"),
    (time, "java.time.LocalTime"),
    (timedelta, "java.time.Duration"),
    (LISTS, "java.util.ArrayList"),
    (Mapping, "java.util.LinkedHashMap"),
)


def class_name(_: Evaluation, value: object) -> object:
    """The reference's name for the kind of value, so that flows that print it go on working."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return _moment_class(value)
    if type(value) is int:
        value = sized_integer(value)
        if type(value) is int:
            return "java.lang.Integer"
    return next((name for kinds, name in _CLASSES if isinstance(value, kinds)), "java.lang.Object")


def _moment_class(value: datetime) -> str:
    if value.tzinfo is None:
        return "java.time.LocalDateTime"
    return "java.time.Instant" if is_instant(value) else "java.time.ZonedDateTime"


FILTERS_NUMBERS: Final[dict[str, tuple[Callable[..., object], str]]] = {
    "abs": (absolute, ""),
    "className": (class_name, ""),
    "number": (number, "type"),
    "numberFormat": (number_format, "format"),
    "numberformat": (number_format, "format"),
}
