"""What a Flow trigger waits for: upstream flows and filters, satisfied within a time window."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final, Literal

from pydantic import Field

from mainstem.errors import InvalidInput
from mainstem.expr import truthy
from mainstem.model.execution import Execution
from mainstem.model.flow_id import TASK_ID
from mainstem.model.state import State
from mainstem.sdk.checks import matches_whole
from mainstem.sdk.condition import ConditionContext
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


_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment to another, both included."""

    start: datetime
    end: datetime

    def holds(self, moment: datetime) -> bool:
        return self.start <= moment <= self.end


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

    def span(self, now: datetime) -> Span:
        """The window that a satisfied part falls into at `now`, in the zone of `now`."""
        now = now.replace(microsecond=0)
        midnight = now.replace(hour=0, minute=0, second=0)
        if self.type == "SLIDING_WINDOW":
            return Span(now - (self.window or _DAY), now)
        if self.type == "DAILY_TIME_WINDOW":
            return Span(_at(midnight, self.start_time), _at(midnight, self.end_time))
        if self.type == "DAILY_TIME_DEADLINE":
            return Span(midnight, _at(midnight, self.deadline))
        window = self.window or _DAY
        start = _aligned(now, midnight, window) + (self.window_advance or timedelta(0))
        return Span(start, start + window - _MILLISECOND)

    def keeps(self, satisfied_at: datetime, now: datetime) -> bool:
        """Whether a part satisfied then still counts now."""
        if self.type == "SLIDING_WINDOW":
            return now - (self.window or _DAY) <= satisfied_at <= now
        if self.type != "DURATION_WINDOW":
            span = self.span(now)
            return span.holds(now) and span.holds(satisfied_at)
        window = self.window or _DAY
        begun = self._begun(satisfied_at, window)
        return begun <= now < begun + window

    def _begun(self, moment: datetime, window: timedelta) -> datetime:
        """When the window around a moment began: the advance moves the grid of windows."""
        if window < _MINUTE:
            return moment
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        anchor = midnight + (self.window_advance or timedelta(0))
        step = min(window, _DAY)
        return anchor + (moment - anchor) // step * step


def _aligned(now: datetime, midnight: datetime, window: timedelta) -> datetime:
    """Where a window of this length begins: days at midnight, shorter ones at their multiples."""
    if window >= _DAY:
        return midnight
    if window < _MINUTE:
        return now
    minutes = window // _MINUTE * _MINUTE
    return midnight + (now - midnight) // minutes * minutes


def _at(midnight: datetime, clock: time | None) -> datetime:
    wanted = clock or time()
    return midnight.replace(hour=wanted.hour, minute=wanted.minute, second=wanted.second)


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

    def holds(self, ctx: ConditionContext) -> bool:
        """Whether the upstream execution passes; raises InvalidInput for a bad expression."""
        return _COMPARE[self.type](self, self._actual(ctx))

    def _actual(self, ctx: ConditionContext) -> str:
        execution = upstream(ctx)
        if self.field == "FLOW_ID":
            return execution.flow.id
        if self.field == "NAMESPACE":
            return execution.flow.namespace
        if self.field == "STATE":
            return execution.state.value
        return ctx.render(self.value or "")


_COMPARE: Final[Mapping[str, Callable[[Filter, str], bool]]] = {
    "EQUAL_TO": lambda f, actual: actual == f.value,
    "NOT_EQUAL_TO": lambda f, actual: actual != f.value,
    "IN": lambda f, actual: actual in (f.values or ()),
    "NOT_IN": lambda f, actual: actual not in (f.values or ()),
    "IS_TRUE": lambda _, actual: truthy(actual),
    "IS_FALSE": lambda _, actual: not truthy(actual),
    "IS_NULL": lambda _, actual: False,
    "IS_NOT_NULL": lambda _, actual: True,
    "STARTS_WITH": lambda f, actual: actual.startswith(f.value or ""),
    "ENDS_WITH": lambda f, actual: actual.endswith(f.value or ""),
    "REGEX": lambda f, actual: matches_whole(f.value or "", actual),
    "CONTAINS": lambda f, actual: (f.value or "") in actual,
}


def upstream(ctx: ConditionContext) -> Execution:
    """The execution that a condition is about; raises InvalidInput when there is none."""
    if ctx.execution is None:
        raise InvalidInput("Invalid condition with null execution")
    return ctx.execution


class ExecutionFilter(Properties):
    """Comparisons that all (or any) must hold."""

    id: str = Field(min_length=1)
    operand: Literal["AND", "OR"] = "AND"
    filters: tuple[Filter, ...] = Field(min_length=1)

    def holds(self, ctx: ConditionContext) -> bool:
        """Whether all (or any) of its comparisons hold."""
        found = (item.holds(ctx) for item in self.filters)
        return any(found) if self.operand == "OR" else all(found)


class UpstreamFlow(Properties):
    """An execution of this flow in one of these states."""

    namespace: Text
    flow_id: Text | None = None
    states: tuple[State, ...] | None = None
    labels: dict[str, object] = Field(default_factory=dict)

    def holds(self, ctx: ConditionContext) -> bool:
        """Whether the upstream execution is such a one."""
        execution = upstream(ctx)
        if execution.flow.namespace != self.namespace:
            return False
        if self.flow_id is not None and execution.flow.id != self.flow_id:
            return False
        if self.states is not None and execution.state not in self.states:
            return False
        return all(execution.labels.get(key) == str(value) for key, value in self.labels.items())


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

    @property
    def gathering(self) -> "Gathering":
        """Its parts, and how they are kept between executions."""
        parts: dict[str, Callable[[ConditionContext], bool]] = {
            f"condition_{number}": flow.holds for number, flow in enumerate(self.flows, start=1)
        }
        for number, item in enumerate(self.where, start=1 + len(self.flows)):
            parts[f"condition_{number}_{item.id}"] = item.holds
        return Gathering(self.id, self.time_window, self.reset_on_success, parts)


@dataclass(frozen=True, slots=True)
class Gathering:
    """Parts that must all be satisfied within a window, by whichever executions.

    With `reset_on_success` what was gathered is forgotten when it fires.
    """

    id: str
    window: TimeWindow
    reset_on_success: bool
    parts: Mapping[str, Callable[[ConditionContext], bool]]
