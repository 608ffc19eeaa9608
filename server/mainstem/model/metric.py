"""Figures that tasks report: rows loaded, bytes processed, durations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class MetricKind(StrEnum):
    COUNTER = "counter"
    TIMER = "timer"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True)
class Metric:
    """A named figure of one attempt; a timer's value is in seconds."""

    name: str
    value: float
    kind: MetricKind = MetricKind.COUNTER
    tags: Mapping[str, str] = field(default_factory=dict)
