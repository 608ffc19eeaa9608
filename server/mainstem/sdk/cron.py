"""Cron expressions: five fields, six with seconds, or a nickname; dates in a time zone.

A date that the zone skips in spring fires when the skipped hour is over; one that it repeats in
autumn fires once. Where the minute or the hour begins with `*`, elapsed time counts instead.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

from cronsim import CronSim, CronSimError

NICKNAMES: Final[Mapping[str, str]] = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_ANY_MOMENT: Final = datetime(2024, 1, 1, tzinfo=UTC)
_FIELDS: Final = ("minute", "hour", "day of month", "month", "day of week")


class Cron:
    """A checked expression; raises ValueError saying what is wrong with it."""

    def __init__(self, expression: str, *, with_seconds: bool = False) -> None:
        self.expression = expression
        self._fields = _fields(expression, with_seconds)
        try:
            CronSim(self._fields, _ANY_MOMENT)
        except CronSimError as error:
            raise ValueError(str(error)) from error

    def after(self, moment: datetime, zone: tzinfo) -> Iterator[datetime]:
        """Dates in the zone strictly after a moment, oldest first."""
        last = moment.astimezone(UTC)
        for date in CronSim(self._fields, moment.astimezone(zone)):
            instant = date.astimezone(UTC)
            if instant > last:
                last = instant
                yield instant.astimezone(zone)

    def before(self, moment: datetime, zone: tzinfo) -> Iterator[datetime]:
        """Dates in the zone strictly before a moment, newest first."""
        last = moment.astimezone(UTC)
        # Begun later by the widest clock change, so that a repeated hour is not passed over.
        begin = (last + timedelta(hours=2)).astimezone(zone)
        for date in CronSim(self._fields, begin, reverse=True):
            instant = date.astimezone(UTC)
            if instant < last:
                last = instant
                yield instant.astimezone(zone)


def _fields(expression: str, with_seconds: bool) -> str:
    text = expression.strip()
    if text.startswith("@"):
        known = NICKNAMES.get(text.lower())
        if known is None:
            raise ValueError(f"nickname not known; there are {', '.join(NICKNAMES)}")
        return known
    parts = text.split()
    wanted = 6 if with_seconds else 5
    if len(parts) != wanted:
        names = ", ".join(("second", *_FIELDS) if with_seconds else _FIELDS)
        hint = "; set `withSeconds: true` for six" if len(parts) == 6 else ""
        raise ValueError(f"expected {wanted} fields ({names}) but found {len(parts)}{hint}")
    return " ".join(parts)


@lru_cache(maxsize=1024)
def cron_of(expression: str, with_seconds: bool = False) -> Cron:
    """The expression from a bounded cache; raises ValueError."""
    return Cron(expression, with_seconds=with_seconds)


def cron_fault(expression: str, with_seconds: bool = False) -> str | None:
    """What keeps a text from being a cron expression."""
    try:
        cron_of(expression, with_seconds)
    except ValueError as error:
        return f"invalid cron expression '{expression}': {error}"
    return None
