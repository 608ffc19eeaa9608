"""A flow as parsed: typed tasks, triggers and declarations.

It lives beside the plug-in contract, not in `model`, because its tasks are plug-in objects from
the moment of parsing (docs/adr/0003-flows-hold-typed-tasks.md).
"""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, PrivateAttr

from mainstem.model.flow_id import FlowId
from mainstem.sdk.condition import AnyCondition
from mainstem.sdk.fields import Duration, Text
from mainstem.sdk.inputs import AnyInput, FlowOutput
from mainstem.sdk.labels import Labels, system_label_faults
from mainstem.sdk.plugin import Fault, Properties
from mainstem.sdk.task import AnyTask, Retry, Task, WorkerGroup
from mainstem.sdk.trigger import AnyTrigger


class Concurrency(Properties):
    """At most `limit` executions of the flow run or pause at once."""

    limit: int = Field(gt=0)
    behavior: Literal["QUEUE", "CANCEL", "FAIL"] = "QUEUE"


class Sla(Properties):
    """A promise about executions and what happens when it is broken."""

    id: str = Field(min_length=1)
    type: Literal["MAX_DURATION", "EXECUTION_ASSERTION"]
    duration: Duration | None = None
    assert_: Text | None = Field(default=None, alias="assert")
    behavior: Literal["FAIL", "CANCEL", "NONE"]
    labels: Labels = Field(default_factory=dict)

    def faults(self) -> Iterator[Fault]:
        if self.type == "MAX_DURATION" and self.duration is None:
            yield Fault("must not be null", "duration", "required")
        if self.type == "EXECUTION_ASSERTION" and not self.assert_:
            yield Fault("must not be empty", "assert", "empty")
        foreign = "assert" if self.type == "MAX_DURATION" else "duration"
        if "assert_" in self.model_fields_set and foreign == "assert":
            yield Fault('Unrecognized field "assert"', "assert", "unknown-property")
        if "duration" in self.model_fields_set and foreign == "duration":
            yield Fault('Unrecognized field "duration"', "duration", "unknown-property")
        yield from system_label_faults(self.labels)


class Check(Properties):
    """Something that must hold before a user's execution is made; `message` says so when not."""

    condition: Text = Field(min_length=1)
    message: Text = Field(min_length=1)
    style: Literal["ERROR", "SUCCESS", "WARNING", "INFO"] = "INFO"
    behavior: Literal["BLOCK_EXECUTION", "FAIL_EXECUTION", "CREATE_EXECUTION"] = "BLOCK_EXECUTION"


class PluginDefault(Properties):
    """Default property values for a type, an alias or a package of types."""

    type: str
    forced: bool = False
    values: dict[str, object] = Field(default_factory=dict)


class Listener(Properties):
    """Tasks run after the end when all conditions hold (deprecated in the language)."""

    description: str | None = None
    conditions: tuple[AnyCondition, ...] = ()
    tasks: tuple[AnyTask, ...] = Field(min_length=1)


class Flow(Properties):
    """A whole flow; property names are those of the flow language."""

    id: str
    namespace: str
    tenant_id: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9_-]*$")
    revision: int | None = Field(default=None, ge=1)
    description: str | None = None
    labels: Labels = Field(default_factory=dict)
    inputs: tuple[AnyInput, ...] = ()
    outputs: tuple[FlowOutput, ...] = ()
    variables: dict[str, object] = Field(default_factory=dict)
    tasks: tuple[AnyTask, ...] = Field(min_length=1)
    errors: tuple[AnyTask, ...] = ()
    finally_: tuple[AnyTask, ...] = Field(default=(), alias="finally")
    after_execution: tuple[AnyTask, ...] = ()
    listeners: tuple[Listener, ...] = Field(
        default=(),
        json_schema_extra={"deprecated": True},
        description="Now Flow triggers, `errors` and `afterExecution`.",
    )
    triggers: tuple[AnyTrigger, ...] = ()
    plugin_defaults: tuple[PluginDefault, ...] = ()
    task_defaults: tuple[PluginDefault, ...] = Field(
        default=(), json_schema_extra={"deprecated": True}, description="Now `pluginDefaults`."
    )
    concurrency: Concurrency | None = None
    retry: Retry | None = None
    sla: tuple[Sla, ...] = ()
    checks: tuple[Check, ...] = ()
    disabled: bool = False
    deleted: bool = False
    worker_group: WorkerGroup | None = None

    _by_id: dict[str, Task] = PrivateAttr(default_factory=dict)

    @property
    def flow_id(self) -> FlowId:
        return FlowId(self.namespace, self.id)

    def all_tasks(self) -> Iterator[Task]:
        """Every task of the tree, parents before children, in the order of the source."""
        listed = [task for listener in self.listeners for task in listener.tasks]
        for task in (
            *self.tasks,
            *self.errors,
            *self.finally_,
            *self.after_execution,
            *listed,
        ):
            yield from _with_subtasks(task)

    def task(self, task_id: str) -> Task | None:
        """The task with this id anywhere in the tree."""
        if not self._by_id:
            self._by_id.update((task.id, task) for task in self.all_tasks())
        return self._by_id.get(task_id)


def _with_subtasks(task: Task) -> Iterator[Task]:
    yield task
    for child in task.subtasks():
        yield from _with_subtasks(child)
