"""Triggers: what starts executions without a user."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from mainstem.model.state import State
from mainstem.sdk.condition import AnyCondition, Condition
from mainstem.sdk.fields import Duration
from mainstem.sdk.labels import Labels, system_label_faults
from mainstem.sdk.plugin import Fault, Plugin, plugin_field
from mainstem.sdk.task import WorkerGroup

if TYPE_CHECKING:
    from mainstem.sdk.context import RunContext


class Trigger(Plugin):
    """Common properties; `inputs` are rendered when an execution is made."""

    id: str = Field(description="Unique among the triggers of the flow.")
    description: str | None = None
    disabled: bool = False
    conditions: tuple[AnyCondition, ...] = ()
    stop_after: tuple[State, ...] = ()
    inputs: dict[str, object] = Field(default_factory=dict)
    labels: Labels = Field(default_factory=dict)
    log_level: Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR"] | None = None
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


class PollingTrigger(Trigger):
    """Asks something outside at an interval and fires when there is news."""

    interval: Duration = Field(default="PT1M", validate_default=True)

    @abstractmethod
    def poll(self, ctx: "RunContext", since: datetime | None) -> Found | None:
        """Look once; None means nothing new. Errors are logged and the poll is tried again."""


AnyTrigger = plugin_field(Trigger)
