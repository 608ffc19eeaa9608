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
    """A number in the form of a pattern, rounded half to even."""
    shape = parse_pattern("#,##0.###" if pattern is None else pattern)
    symbols = _symbols(locale)
    if isinstance(value, float) and (math.isnan(value) or math.isinf(value)):
        text = "NaN" if math.isnan(value) else f"{shape.prefix}∞{shape.suffix}"
        return f"-{text}" if value < 0 else text
    exact = Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)
    with localcontext() as context:
        context.prec = 700
        negative = exact.is_signed()
        body = _body(abs(exact).scaleb(shape.scale), shape, symbols)
    if negative:
        prefix = shape.negative_prefix.replace("-", symbols.minus)
        return f"{prefix}{body}{shape.negative_suffix}"
    return f"{shape.prefix}{body}{shape.suffix}"


def _body(value: Decimal, shape: Pattern, symbols: Symbols) -> str:
    if shape.exponent:
        return _scientific(value, shape, symbols)
    return _fixed(value, shape, symbols)


def _fixed(value: Decimal, shape: Pattern, symbols: Symbols) -> str:
    rounded = value.quantize(Decimal(1).scaleb(-shape.most_fraction), ROUND_HALF_EVEN)
    whole, _, fraction = format(rounded, "f").partition(".")
    whole = whole.lstrip("0").rjust(shape.least_integers, "0")
    whole = whole[-shape.most_integers :] if shape.most_integers else whole
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
    power = value.adjusted() if value else 0
    step = shape.most_integers
    if step > 1 and step > shape.least_integers:
        power = math.floor(power / step) * step
        digits = shape.least_integers + shape.most_fraction
        shown = value.scaleb(-power)
        places = max(digits - (shown.adjusted() + 1 if shown else 1), 0)
    else:
        power -= max(shape.least_integers, 1) - 1
        shown, places = value.scaleb(-power), shape.most_fraction
    mantissa = shown.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
    if mantissa and mantissa.adjusted() > shown.adjusted() and step <= max(shape.least_integers, 1):
        power += 1
        mantissa = mantissa.scaleb(-1)
    inner = replace(shape, most_fraction=max(places, shape.least_fraction), grouping=0)
    text = _fixed(mantissa, replace(inner, most_integers=_PLAIN_INTEGERS), symbols)
    sign = symbols.minus if power < 0 else ""
    return f"{text}E{sign}{abs(power):0{shape.exponent}}"


@lru_cache(maxsize=256)
def parse_pattern(pattern: str) -> Pattern:
    """Read a DecimalFormat pattern."""
    if len(pattern) > 200:
        raise Fault("A number pattern may have 200 characters at most")
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
    if pattern.startswith("E0", end):
        exponent = len(pattern[end + 1 :]) - len(pattern[end + 1 :].lstrip("0"))
        end += 1 + exponent
    at, suffix, more = _affix(pattern, end)
    if at < len(pattern) and pattern[at] != ";":
        raise Fault("The number pattern has digits in two places")
    shape = _shape(body)
    most = shape.most_integers
    if exponent:
        most = len(body.split(".", 1)[0].replace(",", ""))
    return at, replace(
        shape,
        prefix=prefix,
        suffix=suffix,
        scale=scale or more,
        exponent=exponent,
        most_integers=most,
    )


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
                scale = 2 if char == "%" else 3
            text += "$" if char == "¤" and not quoted else char
        at += 1
    if quoted:
        raise Fault("A quote in the number pattern is never closed")
    return at, text, scale


def _shape(body: str) -> Pattern:
    whole, point, fraction = body.partition(".")
    integers = whole.replace(",", "")
    if "0#" in integers or "#0" in fraction or "," in fraction or "." in fraction:
        raise Fault("The number pattern has its `#` and `0` in the wrong order")
    grouping = len(whole) - whole.rfind(",") - 1 if "," in whole else 0
    if "," in whole and grouping == 0:
        raise Fault("The number pattern has a `,` in the wrong place")
    least = integers.count("0")
    if not least and not fraction and integers:
        least = 1
    elif not least and integers and fraction and "0" not in fraction:
        least = 0
    return Pattern(
        least_integers=least,
        least_fraction=fraction.count("0"),
        most_fraction=len(fraction),
        grouping=grouping,
        point_always=bool(point) and not fraction,
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
