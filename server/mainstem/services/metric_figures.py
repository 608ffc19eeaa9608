"""Figures of tasks over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mainstem.errors import InvalidInput, NotFound
from mainstem.model.flow_id import FlowId
from mainstem.model.principal import Permission
from mainstem.services import access
from mainstem.store import metric_views
from mainstem.store.database import Database
from mainstem.store.metric_views import Aggregation, Bucket, Series

__all__ = ["Aggregation", "Bucket", "MetricFigures", "Series", "SeriesOverTime"]

_MOST: Final = 400
_STEPS: Final[Sequence[tuple[str, timedelta]]] = (
    ("minute", timedelta(minutes=1)),
    ("hour", timedelta(hours=1)),
    ("day", timedelta(days=1)),
    ("week", timedelta(days=7)),
    ("month", timedelta(days=30)),
)


@dataclass(frozen=True, slots=True)
class SeriesOverTime:
    """The length of a slot in words, and the slots."""

    step: str
    buckets: list[Bucket]


class MetricFigures:
    """Reads only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self, flow: FlowId, task_id: str | None = None) -> list[str]:
        """Distinct names of metrics that a flow, or one of its tasks, has reported."""
        _check(flow)
        with self._database.read() as tx:
            return metric_views.names(tx, flow, task_id)

    def tasks(self, flow: FlowId) -> list[str]:
        """Tasks that have reported metrics, those that are gone included."""
        _check(flow)
        with self._database.read() as tx:
            return metric_views.tasks(tx, flow)

    def over_time(
        self, series: Series, how: Aggregation, start: datetime, end: datetime
    ) -> SeriesOverTime:
        """Slots between two moments: minutes for an hour or two, days for a month."""
        _check(series.flow)
        if end <= start:
            raise InvalidInput("the end must be after the start")
        step, length = _step(end - start)
        begin = _floor(start, length)
        number = min(_MOST, (end - begin) // length + 1)
        with self._database.read() as tx:
            found = metric_views.aggregate(
                tx, series, how, start=begin, length=length, number=number
            )
        return SeriesOverTime(step, found)


def _check(flow: FlowId) -> None:
    if not access.sees(Permission.EXECUTION_READ, flow.namespace):
        raise NotFound(f"there is no flow {flow}")


def _step(span: timedelta) -> tuple[str, timedelta]:
    """The finest step that keeps a series readable."""
    for name, length in _STEPS:
        if span / length <= _MOST / 3:
            return name, length
    return "year", timedelta(days=365)


def _floor(moment: datetime, length: timedelta) -> datetime:
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return day if length >= timedelta(days=1) else day + (moment - day) // length * length
