"""Filters of the execution list, kept in the address so that every view can be linked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from fastapi import Request

from mainstem.errors import InvalidInput
from mainstem.model.state import State
from mainstem.services.search import ExecutionFilter
from mainstem.ui.render import link, query_string

PERIODS: Final[Mapping[str, timedelta]] = {
    "1h": timedelta(hours=1),
    "24h": timedelta(days=1),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
PERIOD_WORDS: Final = (
    ("", "Any time"),
    ("1h", "Last hour"),
    ("24h", "Last 24 hours"),
    ("7d", "Last 7 days"),
    ("30d", "Last 30 days"),
)
_KEYS: Final = ("q", "namespace", "flow", "state", "label", "since", "trigger", "parent")


def since(period: str, now: datetime) -> datetime | None:
    """The beginning of a named period; an unknown name is corrected by the reader."""
    if not period:
        return None
    if period not in PERIODS:
        raise InvalidInput(f"`{period}` is not a period: choose one of {', '.join(PERIODS)}")
    return now - PERIODS[period]


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; values keep their order."""

    given: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @staticmethod
    def of(request: Request) -> "Filters":
        """Read the address; empty parameters count as absent."""
        query = request.query_params
        found = {key: [v for v in query.getlist(key) if v] for key in _KEYS}
        return Filters({key: values for key, values in found.items() if values})

    def many(self, key: str) -> Sequence[str]:
        return self.given.get(key, ())

    def one(self, key: str) -> str:
        values = self.given.get(key, ())
        return values[0] if values else ""

    @property
    def text(self) -> str:
        return self.one("q")

    @property
    def namespace(self) -> str:
        return self.one("namespace")

    @property
    def since(self) -> str:
        return self.one("since")

    @property
    def state(self) -> Sequence[str]:
        return self.many("state")

    @property
    def active(self) -> bool:
        return bool(self.given)

    @property
    def query(self) -> str:
        return query_string(dict(self.given))

    def without(self, key: str, value: str) -> str:
        """The address with one filter taken away."""
        rest = [v for v in self.many(key) if v != value]
        return link("executions", **{**self.given, key: rest})

    def with_state(self, state: str) -> str:
        """The address with another state, or with any."""
        return link("executions", **{**self.given, "state": state})

    def wanted(self, now: datetime, *, any_state: bool = False) -> ExecutionFilter:
        """The question to the search service; raises InvalidInput for an unknown state."""
        return ExecutionFilter(
            namespace=self.namespace or None,
            flow_id=self.one("flow") or None,
            states=() if any_state else [_state(name) for name in self.state],
            labels=dict(_label(text) for text in self.many("label")),
            start=since(self.since, now),
            text=self.text or None,
            parent_id=self.one("parent") or None,
            trigger_id=self.one("trigger") or None,
        )


def _state(name: str) -> State:
    try:
        return State(name.upper())
    except ValueError as error:
        raise InvalidInput(f"`{name}` is not a state: choose one of {', '.join(State)}") from error


def _label(text: str) -> tuple[str, str]:
    key, separator, value = text.partition(":")
    if not separator:
        raise InvalidInput(f"the label filter `{text}` must read key:value")
    return key, value


def read_labels(text: str) -> dict[str, str]:
    """Labels written as `key:value, key:value`; raises InvalidInput naming the wrong one."""
    return dict(_label(part.strip()) for part in text.split(",") if part.strip())
