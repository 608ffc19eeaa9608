"""Values as people read them; pure."""

import re
from datetime import UTC, datetime, timedelta

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
STEPS = ((60, "second"), (60, "minute"), (24, "hour"), (30, "day"), (12, "month"))
TEXT_TYPES = re.compile(r"(text/|application/(json|.*\+json|xml|x-ndjson|csv|sql|yaml|x-yaml))")
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\ufffd]")


def size(count: int | None) -> str:
    """Bytes in the largest unit that leaves a whole number before the point."""
    if count is None:
        return "—"
    amount = float(count)
    for unit in UNITS[:-1]:
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} {UNITS[-1]}"


def number(count: int | None) -> str:
    return "—" if count is None else f"{count:,}"


def moment(at: datetime | None) -> str:
    return "—" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def age(at: datetime | None, now: datetime) -> str:
    """How long ago, in its largest unit."""
    if at is None:
        return "—"
    amount = (now - at).total_seconds()
    if amount < 5:
        return "just now"
    for step, unit in STEPS:
        if amount < step:
            return _ago(int(amount), unit)
        amount /= step
    return _ago(int(amount), "year")


def _ago(amount: int, unit: str) -> str:
    return f"{amount} {unit}{'' if amount == 1 else 's'} ago"


def duration(start: datetime | None, end: datetime | None) -> str:
    if start is None or end is None:
        return "—"
    length = end - start
    if length < timedelta(seconds=1):
        return f"{length / timedelta(milliseconds=1):.0f} ms"
    if length < timedelta(minutes=1):
        return f"{length.total_seconds():.1f} s"
    minutes, seconds = divmod(int(length.total_seconds()), 60)
    return f"{minutes} min {seconds} s"


def text_of(head: bytes, content_type: str) -> str | None:
    """The head of an object as text, or None if it is not text."""
    content = head.decode("utf-8", "replace")
    # The cut may have split the last character.
    content = content.removesuffix("\ufffd")
    if CONTROL.search(content) and not TEXT_TYPES.match(content_type):
        return None
    return None if "\x00" in content else content


def first_line(text: str | None, limit: int = 120) -> str:
    """One line of a statement for a list; the whole is a click away."""
    flat = " ".join((text or "").split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
