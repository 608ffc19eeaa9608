"""Triggers: what starts executions without a user."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mainstem.model.state import TERMINAL, State
from mainstem.sdk.condition import AnyCondition, Condition, ConditionContext
from mainstem.sdk.fields import Duration, Text
from mainstem.sdk.labels import Labels, system_label_faults
from mainstem.sdk.plugin import Fault, Plugin, plugin_field
from mainstem.sdk.preconditions import Gathering, Preconditions
from mainstem.sdk.task import WorkerGroup

if TYPE_CHECKING:
    from mainstem.sdk.context import RunContext


LevelName = Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]


class Trigger(Plugin):
    """Common properties; `inputs` are rendered when an execution is made."""

    id: str = Field(description="Unique among the triggers of the flow.")
    description: str | None = None
    disabled: bool = False
    conditions: tuple[AnyCondition, ...] = ()
    stop_after: tuple[State, ...] = ()
    inputs: dict[str, object] = Field(default_factory=dict)
    labels: Labels = Field(default_factory=dict)
    log_level: LevelName | None = None
    min_log_level: LevelName | None = Field(
        default=None, json_schema_extra={"deprecated": True}, description="Now `logLevel`."
    )
    log_to_file: bool = False
    worker_group: WorkerGroup | None = None

    def faults(self) -> Iterator[Fault]:
        yield from system_label_faults(self.labels)

    def all_conditions(self) -> tuple[Condition, ...]:
        return self.conditions


@dataclass(frozen=True, slots=True)
class Found:
    """What a poll found: the `trigger` variables of the execution to start."""

    variables: Mapping[str, object] = field(default_factory=dict)


class WebhookTrigger(Trigger):
    """Fires when its address is called; `key` is rendered and compared.

    With `wait` the caller is answered when the execution has ended; with `return_outputs` by the
    outputs of the flow alone. `response_code` may read these and `trigger`.
    """

    key: Text = Field(max_length=256)
    wait: bool = False
    return_outputs: bool = False
    response_content_type: Literal["application/json", "text/plain"] = "application/json"
    response_code: int | Text | None = None


class FlowTrigger(Trigger):
    """Fires when executions of other flows enter one of these states."""

    states: tuple[State, ...] = tuple(sorted(TERMINAL))
    preconditions: Preconditions | None = None


class GatheringCondition(Condition):
    """A condition of parts that different executions may satisfy within a time window."""

    @property
    @abstractmethod
    def gathering(self) -> Gathering:
        """Its parts, and how they are kept between executions."""

    def test(self, ctx: ConditionContext) -> bool:
        """Never by itself: what was gathered lies with the Flow trigger."""
        return False


class PollingTrigger(Trigger):
    """Asks something outside at an interval and fires when there is news."""

    interval: Duration = Field(default="PT1M", validate_default=True)
    allow_concurrent: bool = Field(
        default=False, description="Fire although an execution that it fired still runs."
    )

    @abstractmethod
    def poll(self, ctx: "RunContext", since: datetime | None) -> Found | None:
        """Look once; None means nothing new. Errors are logged and the poll is tried again."""


AnyTrigger = plugin_field(Trigger)
