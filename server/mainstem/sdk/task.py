"""Tasks: what every one has in common, and the two kinds of it."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, Final, Literal

from pydantic import Field
from pydantic.alias_generators import to_camel

from mainstem.model.duration import format_duration
from mainstem.model.flow_id import TASK_ID
from mainstem.model.log import Level
from mainstem.model.retry import RetryBehavior, RetryKind, RetryPolicy
from mainstem.sdk.fields import Duration, Property, Text
from mainstem.sdk.plugin import Fault, Plugin, Properties, plugin_field

if TYPE_CHECKING:
    from mainstem.sdk.context import RunContext

Outputs = Mapping[str, object]


class Retry(Properties):
    """The `retry` property; `policy` gives it as the engine's value."""

    type: Literal["constant", "exponential", "random"]
    interval: Duration | None = None
    max_attempt: int | None = Field(default=None, ge=1)
    max_attempts: int | None = Field(default=None, ge=1)
    max_duration: Duration | None = None
    max_interval: Duration | None = None
    min_interval: Duration | None = None
    delay_factor: float | None = None
    warning_on_retry: bool = False
    behavior: RetryBehavior = RetryBehavior.RETRY_FAILED_TASK

    def faults(self) -> Iterator[Fault]:
        required, foreign = _RETRY_PROPERTIES[self.type]
        for name in required:
            if getattr(self, name) is None:
                yield Fault("must not be null", to_camel(name), "required")
        for name in sorted(foreign & self.model_fields_set):
            message = f'Unrecognized field "{to_camel(name)}" (a {self.type} retry has none)'
            yield Fault(message, to_camel(name), "unknown-property")
        for name, limit in _RETRY_ORDER[self.type]:
            length, bound = getattr(self, name), getattr(self, limit)
            if length is not None and bound is not None and bound <= length:
                shown = f"is {format_duration(length)}"
                message = f"'{to_camel(name)}' must be less than '{to_camel(limit)}' but {shown}"
                yield Fault(message, to_camel(name))
                return

    def policy(self) -> RetryPolicy:
        return RetryPolicy(
            kind=RetryKind(self.type),
            interval=self.interval or timedelta(0),
            max_attempt=self.max_attempt or self.max_attempts,
            max_duration=self.max_duration,
            max_interval=self.max_interval,
            delay_factor=self.delay_factor,
            min_interval=self.min_interval,
            warning_on_retry=self.warning_on_retry,
            behavior=self.behavior,
        )


_RETRY_PROPERTIES: Final[Mapping[str, tuple[tuple[str, ...], frozenset[str]]]] = {
    "constant": (("interval",), frozenset({"max_interval", "min_interval", "delay_factor"})),
    "exponential": (("interval", "max_interval"), frozenset({"min_interval"})),
    "random": (("min_interval", "max_interval"), frozenset({"interval", "delay_factor"})),
}
_RETRY_ORDER: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "constant": (("interval", "max_duration"),),
    "exponential": (("interval", "max_duration"), ("interval", "max_interval")),
    "random": (
        ("min_interval", "max_duration"),
        ("max_interval", "max_duration"),
        ("min_interval", "max_interval"),
    ),
}


class TaskCache(Properties):
    """Reuse the outputs of an earlier run with equal rendered properties."""

    enabled: bool = True
    ttl: Duration | None = None


class WorkerGroup(Properties):
    """Where a task may run."""

    key: str | None = None
    fallback: Literal["FAIL", "WAIT", "CANCEL"] | None = None

    def faults(self) -> Iterator[Fault]:
        if self.key is not None and not TASK_ID.fullmatch(self.key) and "{{" not in self.key:
            yield Fault(f'must match "^{TASK_ID.pattern}"', "key", "invalid-id")


class Task(Plugin):
    """A step of a flow; `id` is unique over the whole tree of the flow."""

    id: str = Field(description="Unique over the whole flow.")
    description: str | None = None
    retry: Retry | None = None
    timeout: Property[Duration] | None = None
    disabled: bool = False
    run_if: Text | None = None
    allow_failure: bool = False
    allow_warning: bool = False
    log_level: Literal["TRACE", "DEBUG", "INFO", "WARN", "ERROR"] | None = None
    log_to_file: bool = False
    worker_group: WorkerGroup | None = None
    task_cache: TaskCache | None = None
    assets: object = Field(default=None, description="Accepted, without effect here.")

    def subtasks(self) -> Iterator["Task"]:
        """Tasks directly inside this one, in the order of the source, error branches included."""
        return iter(())

    def threshold(self) -> Level | None:
        """The lowest level of log lines that are kept, when the task narrows it."""
        return Level[self.log_level] if self.log_level else None


AnyTask = plugin_field(Task)


class RunnableTask(Task):
    """A task that a worker runs.

    INLINE marks tasks that finish in microseconds without touching anything outside the process;
    the executor may run these itself instead of handing them to a worker. KEEPS_NULLS keeps
    outputs that are null addressable as null; otherwise their keys are dropped.
    """

    INLINE: ClassVar[bool] = False
    KEEPS_NULLS: ClassVar[bool] = False

    @cached_property
    def runs_here(self) -> bool:
        """Whether the executor may run it itself: lines that it asks for must be stored before."""
        return self.INLINE and "errorLogs" not in str(vars(self))

    @abstractmethod
    def run(self, ctx: "RunContext") -> Outputs | None:
        """Do the work and return the outputs; raise TaskFailed (or any error) to fail."""
