"""What a Flow trigger waits for: upstream flows and filters, satisfied within a time window."""

from collections.abc import Iterator, Mapping
from datetime import time
from typing import Final, Literal

from pydantic import Field

from mainstem.model.flow_id import TASK_ID
from mainstem.model.state import State
from mainstem.sdk.fields import Duration, Text
from mainstem.sdk.plugin import Fault, Properties

WindowType = Literal[
    "DAILY_TIME_DEADLINE", "DAILY_TIME_WINDOW", "DURATION_WINDOW", "SLIDING_WINDOW"
]

_WORDS: Final[Mapping[str, str]] = {
    "window": "a window",
    "window_advance": "a window advance",
    "deadline": "a deadline",
    "start_time": "a start time",
    "end_time": "an end time",
}
_FORBIDDEN: Final[Mapping[str, tuple[str, ...]]] = {
    "DAILY_TIME_DEADLINE": ("window", "window_advance", "start_time", "end_time"),
    "DAILY_TIME_WINDOW": ("window", "window_advance", "deadline"),
    "DURATION_WINDOW": ("deadline", "start_time", "end_time"),
    "SLIDING_WINDOW": ("deadline", "start_time", "end_time", "window_advance"),
}
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "DAILY_TIME_DEADLINE": ("deadline",),
    "DAILY_TIME_WINDOW": ("start_time", "end_time"),
    "DURATION_WINDOW": (),
    "SLIDING_WINDOW": (),
}


class TimeWindow(Properties):
    """How close together the preconditions must be satisfied."""

    type: WindowType = "DURATION_WINDOW"
    deadline: time | None = None
    window: Duration | None = None
    window_advance: Duration | None = None
    start_time: time | None = None
    end_time: time | None = None

    def faults(self) -> Iterator[Fault]:
        set_here = [name for name in _FORBIDDEN[self.type] if getattr(self, name) is not None]
        if set_here and self.type == "DAILY_TIME_WINDOW" and self.start_time is not None:
            # The reference names the deadline as well here, and its tests assert that it does.
            set_here = [*dict.fromkeys([*set_here, "deadline"])]
        for name in set_here:
            yield self._fault(name, "cannot have")
        if not set_here:
            for name in _NEEDED[self.type]:
                if getattr(self, name) is None:
                    yield self._fault(name, "must have")

    def _fault(self, name: str, verb: str) -> Fault:
        message = f"Time window of type `{self.type}` {verb} {_WORDS[name]}."
        return Fault(message, type(self).model_fields[name].alias)


FilterType = Literal[
    "EQUAL_TO", "NOT_EQUAL_TO", "IN", "NOT_IN", "IS_TRUE", "IS_FALSE", "IS_NULL", "IS_NOT_NULL",
    "STARTS_WITH", "ENDS_WITH", "REGEX", "CONTAINS",
]  # fmt: skip
_MANY: Final = frozenset({"IN", "NOT_IN"})


class Filter(Properties):
    """One comparison of a field of the upstream execution."""

    field: Literal["FLOW_ID", "NAMESPACE", "STATE", "EXPRESSION"]
    type: FilterType
    value: Text | None = None
    values: tuple[Text, ...] | None = None

    def faults(self) -> Iterator[Fault]:
        many = self.type in _MANY
        for name, wanted in (("value", not many), ("values", many)):
            given = getattr(self, name) is not None
            if given != wanted:
                needs = "cannot be null" if wanted else "must be null"
                yield Fault(f"`{name}` {needs} for type {self.type}", name)
                return


class ExecutionFilter(Properties):
    """Comparisons that all (or any) must hold."""

    id: str = Field(min_length=1)
    operand: Literal["AND", "OR"] = "AND"
    filters: tuple[Filter, ...] = Field(min_length=1)


class UpstreamFlow(Properties):
    """An execution of this flow in one of these states."""

    namespace: Text
    flow_id: Text | None = None
    states: tuple[State, ...] | None = None
    labels: dict[str, object] = Field(default_factory=dict)


class Preconditions(Properties):
    """All of them must be satisfied within the window."""

    id: str
    time_window: TimeWindow = Field(default_factory=TimeWindow)
    reset_on_success: bool = True
    flows: tuple[UpstreamFlow, ...] = ()
    where: tuple[ExecutionFilter, ...] = ()

    def faults(self) -> Iterator[Fault]:
        if not TASK_ID.fullmatch(self.id):
            yield Fault(f'must match "^{TASK_ID.pattern}"', "id", "invalid-id")
