"""A registry of small plug-ins that together have every kind of property."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Literal

import pytest
from pydantic import Field

from mainstem.flowspec.parse import ParsedFlow, parse_flow
from mainstem.sdk.condition import Condition, ConditionContext
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Duration, Property, Text
from mainstem.sdk.flowable import ChildRequest, ExecutableTask, FlowContext
from mainstem.sdk.plugin import Fault, Properties
from mainstem.sdk.registry import Registry
from mainstem.sdk.runner import AnyTaskRunner, Command, CommandResult, TaskRunner
from mainstem.sdk.task import AnyTask, RunnableTask, Task
from mainstem.sdk.trigger import Found, PollingTrigger

CORE = "io.kestra.plugin.core"


class Log(RunnableTask):
    """Write a line."""

    TYPE = f"{CORE}.log.Log"
    ALIASES = ("io.kestra.core.tasks.log.Log",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {"lines": "How many lines were written."}

    message: Property[object] = Field(description="What to write.")
    level: Literal["INFO", "WARN", "ERROR"] = "INFO"
    format: Text | None = None
    old_level: str | None = Field(default=None, json_schema_extra={"deprecated": True})

    def run(self, ctx: RunContext) -> None: ...


class Group(Task):
    """Tasks inside a task."""

    TYPE = f"{CORE}.flow.Group"

    tasks: tuple[AnyTask, ...] = Field(min_length=1)
    errors: tuple[AnyTask, ...] = ()
    concurrent: int = Field(default=0, ge=0)

    def subtasks(self) -> Iterator[Task]:
        yield from (*self.tasks, *self.errors)


class Call(ExecutableTask):
    """Another flow."""

    TYPE = f"{CORE}.flow.Call"

    namespace: Text
    flow_id: Text

    def requests(self, ctx: FlowContext) -> list[ChildRequest]:
        return []


class Process(TaskRunner):
    TYPE = f"{CORE}.runner.Process"

    host: str | None = None

    def run(self, ctx: RunContext, command: Command) -> CommandResult:
        return CommandResult(0)


class Options(Properties):
    timeout: Duration | None = None
    retries: int = 0


class Shell(RunnableTask):
    """Commands."""

    TYPE = f"{CORE}.script.Shell"
    ALIASES = ("old.Shell",)

    commands: tuple[Text, ...]
    task_runner: AnyTaskRunner | None = None
    options: Options | None = None
    env: dict[str, Text] = Field(default_factory=dict)

    def run(self, ctx: RunContext) -> None: ...


class Echo(Log):
    TYPE = f"{CORE}.debug.Echo"
    ALIASES = ()
    DEPRECATED = True


class Always(Condition):
    TYPE = f"{CORE}.condition.Always"
    ALIASES = (f"{CORE}.condition.AlwaysCondition",)

    expression: str | None = None

    def test(self, ctx: ConditionContext) -> bool:
        return True


class Watch(PollingTrigger):
    TYPE = f"{CORE}.trigger.Watch"

    path: Property[str]
    hour: int = 0

    def faults(self) -> Iterator[Fault]:
        if self.hour > 23:
            yield Fault("there are 24 hours in a day", "hour")

    def poll(self, ctx: RunContext, since: datetime | None) -> Found | None:
        return None


class FlowTrigger(Watch):
    TYPE = f"{CORE}.trigger.Flow"

    path: Property[str] | None = None  # type: ignore[assignment]
    preconditions: dict[str, object] | None = None


@pytest.fixture(scope="session")
def registry() -> Registry:
    found = Registry([])
    for plugin in (Log, Group, Call, Shell, Echo, Process, Always, Watch, FlowTrigger):
        found.register(plugin)
    return found


Parse = Callable[[str], ParsedFlow]


@pytest.fixture(scope="session")
def parse(registry: Registry) -> Parse:
    return lambda source: parse_flow(source, registry)


HEAD = "id: taxi\nnamespace: company.team\n"
TASKS = f"tasks:\n  - id: hello\n    type: {CORE}.log.Log\n    message: hi\n"


@pytest.fixture(scope="session")
def found(registry: Registry) -> Callable[[str], list[tuple[int, int, str]]]:
    """Line, column and code of each problem of the whole source."""

    def problems(source: str) -> list[tuple[int, int, str]]:
        return [
            (item.line, item.column, item.code) for item in parse_flow(source, registry).problems
        ]

    return problems
