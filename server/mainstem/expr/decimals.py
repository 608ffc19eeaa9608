"""Java's DecimalFormat patterns: `#,##0.00`, `0.###E0`, `0%`, with quotes and a negative form."""

import math
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from functools import lru_cache
from typing import Final

from mainstem.expr.errors import Fault
from mainstem.expr.numbers import Number

_DIGITS: Final = "#0,."
_PLAIN_INTEGERS: Final = 340


@dataclass(frozen=True, slots=True)
class Pattern:
    """One parsed pattern; counts are of digits."""

    prefix: str = ""
    suffix: str = ""
    negative_prefix: str = "-"
    negative_suffix: str = ""
    least_integers: int = 0
    most_integers: int = _PLAIN_INTEGERS
    least_fraction: int = 0
    most_fraction: int = 0
    grouping: int = 0
    exponent: int = 0
    scale: int = 0
    point_always: bool = False


@dataclass(frozen=True, slots=True)
class Symbols:
    """The marks of a language."""

    point: str = "."
    group: str = ","
    minus: str = "-"


def format_decimal(value: Number, pattern: str | None, locale: str) -> str:
    """A number in the form of a pattern, rounded half to even from its exact binary value."""
    shape = parse_pattern("#,##0.###" if pattern is None else pattern)
    symbols = _symbols(locale)
    if isinstance(value, float) and (math.isnan(value) or math.isinf(value)):
        text = "NaN" if math.isnan(value) else f"{shape.prefix}∞{shape.suffix}"
        return f"-{text}" if value < 0 else text
    with localcontext() as context:
        context.prec = 1400
        exact = _exact(value, shape)
        negative = exact.is_signed()
        body = _body(abs(exact), shape, symbols)
    if negative:
        prefix = shape.negative_prefix.replace("-", symbols.minus)
        return f"{prefix}{body}{shape.negative_suffix}"
    return f"{shape.prefix}{body}{shape.suffix}"


def _exact(value: Number, shape: Pattern) -> Decimal:
    """A double has its shortest digits, but is rounded by all the digits it really has."""
    if not isinstance(value, float):
        return Decimal(value).scaleb(shape.scale)
    scaled = float(value) * 10.0**shape.scale
    shortest = Decimal(repr(scaled))
    places = -int(shortest.as_tuple().exponent)
    fits = places <= shape.most_fraction and not shape.exponent
    return shortest if fits else Decimal(scaled)


def _body(value: Decimal, shape: Pattern, symbols: Symbols) -> str:
    if shape.exponent:
        return _scientific(value, shape, symbols)
    return _fixed(value, shape, symbols)


def _fixed(value: Decimal, shape: Pattern, symbols: Symbols) -> str:
    rounded = value.quantize(Decimal(1).scaleb(-shape.most_fraction), ROUND_HALF_EVEN)
    whole, _, fraction = format(rounded, "f").partition(".")
    whole = whole.lstrip("0").rjust(shape.least_integers, "0")
    fraction = fraction.rstrip("0").ljust(shape.least_fraction, "0")
    if not whole and not fraction:
        whole = "0"
    if shape.grouping:
        whole = _grouped(whole, shape.grouping, symbols.group)
    return whole + (symbols.point + fraction if fraction or shape.point_always else "")


def _grouped(digits: str, size: int, mark: str) -> str:
    head = len(digits) % size
    groups = [digits[:head]] if head else []
    groups += [digits[at : at + size] for at in range(head, len(digits), size)]
    return mark.join(groups)


def _scientific(value: Decimal, shape: Pattern, symbols: Symbols) -> str:
    """The digits without the point, then where the point goes and which power is left."""
    most = shape.most_integers + shape.most_fraction
    if value and most and len(value.as_tuple().digits) > most:
        value = value.quantize(Decimal(1).scaleb(value.adjusted() - most + 1), ROUND_HALF_EVEN)
    digits = "".join(map(str, value.as_tuple().digits)).rstrip("0") if value else ""
    power = value.adjusted() + 1 if value else 0
    step, least = shape.most_integers, shape.least_integers
    if step > 1 and step > least:
        power = ((power - 1) // step) * step
        integers = 1
    else:
        power -= least
        integers = least
    if value:
        integers = value.adjusted() + 1 - power
    else:
        power = 0
    digits = digits.ljust(max(least + shape.least_fraction, integers), "0")
    whole, fraction = digits[:integers], digits[integers:]
    text = whole + (symbols.point + fraction if fraction or shape.point_always else "")
    sign = symbols.minus if power < 0 else ""
    return f"{text}E{sign}{abs(power):0{shape.exponent}}"


@lru_cache(maxsize=256)
def parse_pattern(pattern: str) -> Pattern:
    """Read a DecimalFormat pattern."""
    if len(pattern) > 200:
        raise Fault("A number pattern may have 200 characters at most")
    if not pattern:
        return Pattern(most_fraction=_PLAIN_INTEGERS, grouping=3)
    at, shape = _half(pattern, 0)
    if at == len(pattern):
        return replace(shape, negative_prefix="-" + shape.prefix, negative_suffix=shape.suffix)
    _, negative = _half(pattern, at + 1)
    if (negative.prefix, negative.suffix) == (shape.prefix, shape.suffix):
        negative = replace(negative, prefix="-" + negative.prefix)
    return replace(shape, negative_prefix=negative.prefix, negative_suffix=negative.suffix)


def _half(pattern: str, start: int) -> tuple[int, Pattern]:
    at, prefix, scale = _affix(pattern, start)
    end = at
    while end < len(pattern) and pattern[end] in _DIGITS:
        end += 1
    body = pattern[at:end]
    exponent = 0
    if pattern.startswith("E", end) and body:
        exponent = len(pattern[end + 1 :]) - len(pattern[end + 1 :].lstrip("0"))
        if not exponent or not body.replace(",", "").replace(".", ""):
            raise Fault("The number pattern has an `E` in the wrong place")
        end += 1 + exponent
    at, suffix, more = _affix(pattern, end)
    if at < len(pattern) and pattern[at] != ";":
        raise Fault("The number pattern has digits in two places")
    if scale and more:
        raise Fault("The number pattern has more than one `%` or `‰`")
    shape = _shape(body, exponent)
    return at, replace(shape, prefix=prefix, suffix=suffix, scale=scale or more)


def _affix(pattern: str, start: int) -> tuple[int, str, int]:
    """Text before or after the digits, with the power of ten that `%` and `‰` stand for."""
    text, scale, at, quoted = "", 0, start, False
    while at < len(pattern):
        char = pattern[at]
        if char == "'":
            if pattern.startswith("''", at):
                text += "'"
                at += 1
            else:
                quoted = not quoted
        elif not quoted and char in _DIGITS + ";":
            break
        else:
            if not quoted and char in "%‰":
                if scale:
                    raise Fault("The number pattern has more than one `%` or `‰`")
                scale = 2 if char == "%" else 3
            text += "$" if char == "¤" and not quoted else char
        at += 1
    if quoted:
        raise Fault("A quote in the number pattern is never closed")
    return at, text, scale


def _shape(body: str, exponent: int) -> Pattern:
    """The counts of digits; a pattern of `#` only with a point has one place that always shows."""
    whole, point, fraction = body.partition(".")
    integers = whole.replace(",", "")
    if "0#" in integers or "#0" in fraction or "," in fraction or "." in fraction:
        raise Fault("The number pattern has its `#` and `0` in the wrong order")
    grouping = len(whole) - whole.rfind(",") - 1 if "," in whole else 0
    if "," in whole and grouping == 0:
        raise Fault("The number pattern has a `,` in the wrong place")
    least, least_fraction = integers.count("0"), fraction.count("0")
    if point and not least and not least_fraction:
        least, least_fraction = (1, 0) if integers else (0, 1)
        if not integers and not fraction:
            raise Fault("The number pattern has no digits")
    return Pattern(
        least_integers=least,
        most_integers=len(integers) if exponent else _PLAIN_INTEGERS,
        least_fraction=least_fraction,
        most_fraction=len(fraction),
        grouping=grouping,
        exponent=exponent,
        point_always=bool(point) and (not fraction or not integers),
    )


def _symbols(locale: str) -> Symbols:
    if locale.startswith("en") or not locale:
        return Symbols()
    from babel import Locale, UnknownLocaleError  # slow to load

    try:
        marks = Locale.parse(locale.replace("-", "_")).number_symbols["latn"]
    except (UnknownLocaleError, ValueError, KeyError) as error:
        raise Fault(f"There is no locale `{locale}`; use one such as en, fr or de_CH") from error
    return Symbols(str(marks["decimal"]), str(marks["group"]), str(marks["minusSign"]))
