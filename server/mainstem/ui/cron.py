"""Cron expressions in words, for people who do not read cron."""

from collections.abc import Sequence
from typing import Final

_ALIASES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DAYS: Final = (
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
)  # fmt: skip


def describe(expression: str) -> str:
    """Say when a cron expression fires; what cannot be said in words is given back as it is."""
    fields = _ALIASES.get(expression.strip().lower(), expression).split()
    seconds = fields.pop(0) if len(fields) == 6 else "0"
    if len(fields) != 5:
        return expression
    try:
        return _describe(seconds, *fields)
    except (ValueError, StopIteration):
        return expression


def _describe(  # one argument for each field of the format
    second: str, minute: str, hour: str, day: str, month: str, weekday: str
) -> str:
    words = _time_of_day(second, minute, hour)
    clauses = [_days(day, weekday), _month(month)]
    if words.startswith("at ") and not any(clauses):
        clauses.append("every day")
    text = " ".join([words, *filter(None, clauses)])
    return text[0].upper() + text[1:]


def _time_of_day(second: str, minute: str, hour: str) -> str:
    if second not in ("0", "00"):
        return f"{_each(second, 'second')}, {_minutes(minute, hour)}"
    return _minutes(minute, hour)


def _minutes(minute: str, hour: str) -> str:
    if hour == "*":
        if minute in ("0", "00"):
            return "every hour"
        if minute.isdigit():
            return f"every hour at minute {int(minute)}"
        return _each(minute, "minute")
    if minute.isdigit() and all(part.isdigit() for part in hour.split(",")):
        times = [f"{int(part):02d}:{int(minute):02d}" for part in hour.split(",")]
        return f"at {_listed(times)}"
    if minute.isdigit():
        past = "" if int(minute) == 0 else f" at minute {int(minute)}"
        return f"{_each(hour, 'hour')}{past}"
    return f"{_each(minute, 'minute')} {_during(hour)}"


def _during(hour: str) -> str:
    if "/" in hour:
        return f"of {_each(hour, 'hour')}"
    return f"from {_span(hour)} o'clock" if "-" in hour else f"in hour {_span(hour)}"


def _each(field: str, unit: str) -> str:
    if field == "*":
        return f"every {unit}"
    base, _, step = field.partition("/")
    if step:
        start = "" if base in ("*", "0") else f" from {unit} {_span(base)}"
        return f"every {int(step)} {unit}s{start}" if int(step) > 1 else f"every {unit}{start}"
    return f"at {unit} {_span(field)}"


def _span(field: str) -> str:
    return _listed([part.replace("-", " to ") for part in field.split(",")])


def _days(day: str, weekday: str) -> str:
    by_day = "" if day in ("*", "?") else _day_of_month(day)
    by_weekday = "" if weekday in ("*", "?") else _weekdays(weekday)
    if by_day and by_weekday:
        return f"{by_day} or {by_weekday}"
    return by_day or by_weekday


def _day_of_month(day: str) -> str:
    if day.upper() == "L":
        return "on the last day of the month"
    if "/" in day:
        return f"every {int(day.partition('/')[2])} days"
    return f"on day {_span(day)} of the month"


def _weekdays(field: str) -> str:
    if field.upper() in ("1-5", "MON-FRI"):
        return "on weekdays"
    if field.upper() in ("0,6", "6,0", "6-7", "SAT,SUN", "SAT-SUN"):
        return "at weekends"
    names = [_named(part, _DAYS, offset=0) for part in field.split(",")]
    return f"on {_listed(names)}"


def _month(field: str) -> str:
    if field == "*":
        return ""
    if "/" in field:
        return f"every {int(field.partition('/')[2])} months"
    return f"in {_listed([_named(part, _MONTHS, offset=1) for part in field.split(',')])}"


def _named(part: str, names: Sequence[str], *, offset: int) -> str:
    if "#" in part or part.upper().endswith("L"):
        raise ValueError(part)
    ends = [_name(end, names, offset) for end in part.split("-")]
    return " to ".join(ends)


def _name(text: str, names: Sequence[str], offset: int) -> str:
    if text.isdigit():
        return names[(int(text) - offset) % len(names)]
    return next(name for name in names if name[:3].upper() == text.upper())


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
