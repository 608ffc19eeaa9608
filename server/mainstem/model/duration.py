"""ISO-8601 durations such as `PT1M30S` and `P1DT2H`, as the flow language writes them.

Years and months have no fixed length and are refused, as java.time.Duration does.
"""

import re
from datetime import timedelta
from typing import Final

from mainstem.errors import InvalidInput

_ISO: Final = re.compile(
    r"(?P<sign>[-+])?P(?:(?P<weeks>[-+]?\d+)W)?(?:(?P<days>[-+]?\d+)D)?"
    r"(?:T(?:(?P<hours>[-+]?\d+)H)?(?:(?P<minutes>[-+]?\d+)M)?"
    r"(?:(?P<seconds>[-+]?\d+(?:[.,]\d{0,9})?)S)?)?",
    re.IGNORECASE,
)


def parse_duration(text: str) -> timedelta:
    """Read an ISO-8601 duration; raises InvalidInput naming the text."""
    match = _ISO.fullmatch(text.strip())
    parts = {k: v for k, v in match.groupdict().items() if k != "sign"} if match else {}
    if match is None or not any(parts.values()) or text.strip().upper().endswith("T"):
        raise InvalidInput(f"`{text}` is not an ISO-8601 duration such as PT30S, PT5M or P1D")
    amounts = {unit: float(v.replace(",", ".")) for unit, v in parts.items() if v}
    try:
        length = timedelta(**amounts)
    except OverflowError as error:
        raise InvalidInput(f"`{text}` is longer than a duration may be") from error
    return -length if match["sign"] == "-" else length


def format_duration(length: timedelta) -> str:
    """Print like java.time.Duration: hours are the largest unit, `PT0S` is nothing."""
    micros = length // timedelta(microseconds=1)
    if micros == 0:
        return "PT0S"
    sign, micros = (-1, -micros) if micros < 0 else (1, micros)
    seconds, fraction = divmod(micros, 1_000_000)
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    mark = "-" if sign < 0 else ""
    text = f"{mark}{hours}H" if hours else ""
    text += f"{mark}{minutes}M" if minutes else ""
    if seconds or fraction:
        decimals = f".{fraction:06d}".rstrip("0") if fraction else ""
        text += f"{mark}{seconds}{decimals}S"
    return f"PT{text}"
