"""Test-only plug-ins of the reference's own tests, and plain stand-ins for absent ones."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from mainstem.expr import ENCRYPTED_TYPE, seal
from mainstem.model.state import State
from mainstem.plugins.core.flow.lists import Sequential
from mainstem.plugins.core.flow.subflow import Subflow
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Text
from mainstem.sdk.flowable import Again, ChildRequest, FlowContext, Tally
from mainstem.sdk.plugin import Plugin
from mainstem.sdk.registry import Registry, UnknownType
from mainstem.sdk.task import RunnableTask
from mainstem.sdk.trigger import Trigger
from tests.conformance.stand_ins import STAND_INS


class TaskWithAlias(RunnableTask):
    TYPE: ClassVar[str] = "io.kestra.core.runners.test.TaskWithAlias"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.runners.test.task.Alias",)

    message: Text = ""

    def run(self, ctx: RunContext) -> None:
        ctx.log.info(ctx.render_text(self.message))


class TriggerWithAlias(Trigger):
    TYPE: ClassVar[str] = "io.kestra.core.runners.test.TriggerWithAlias"
    ALIASES: ClassVar[tuple[str, ...]] = ("io.kestra.core.runners.test.trigger.Alias",)


class BadExecutable(Subflow):
    TYPE: ClassVar[str] = "io.kestra.core.tasks.test.BadExecutable"
    ALIASES: ClassVar[tuple[str, ...]] = ()

    def requests(self, ctx: FlowContext) -> Sequence[ChildRequest]:
        raise RuntimeError("An error!")


class BadSequential(Sequential):
    TYPE: ClassVar[str] = "io.kestra.core.tasks.test.BadSequential"
    ALIASES: ClassVar[tuple[str, ...]] = ()

    def conclude(self, ctx: FlowContext, tally: Tally) -> State | Again:
        raise RuntimeError("An error!")


class DynamicTask(RunnableTask):
    TYPE: ClassVar[str] = "io.kestra.core.tasks.test.DynamicTask"

    fail: bool = False

    def run(self, ctx: RunContext) -> None:
        child = ctx.child("dynamic")
        child.finish(State.FAILED if self.fail else State.SUCCESS)
        if self.fail:
            raise TaskFailed("Fail on purpose")


class Encrypted(RunnableTask):
    TYPE: ClassVar[str] = "io.kestra.core.tasks.test.Encrypted"

    format: Text

    def run(self, ctx: RunContext) -> Mapping[str, object]:
        text = ctx.render_text(self.format)
        host = getattr(ctx, "host", None)
        if host is None:
            return {"value": ctx.encrypt(text)}
        key = host.encryption_key()
        value = seal(key, text) if key else text
        return {"value": {"type": ENCRYPTED_TYPE, "value": value}}


class NullOutputTask(RunnableTask):
    TYPE: ClassVar[str] = "io.kestra.core.tasks.test.NullOutputTask"
    KEEPS_NULLS: ClassVar[bool] = True

    def run(self, ctx: RunContext) -> Mapping[str, object]:
        return {"value": None}


class Read(RunnableTask):
    TYPE: ClassVar[str] = "io.kestra.core.tasks.test.Read"

    path: Text

    def run(self, ctx: RunContext) -> Mapping[str, object]:
        return {"value": (ctx.workdir / ctx.render_text(self.path).lstrip("/")).read_text()}


class TaskThatFail(RunnableTask):
    TYPE: ClassVar[str] = "io.kestra.core.runners.test.TaskThatFail"

    message: Text = ""

    def run(self, ctx: RunContext) -> None:
        raise TaskFailed("failed", outputs={"message": ctx.render_text(self.message)})


class ListenersTestTask(RunnableTask):
    TYPE: ClassVar[str] = "io.kestra.core.runners.ListenersTestTask"

    def run(self, ctx: RunContext) -> Mapping[str, object]:
        return {"value": f"flowId={ctx.flow.id.id}, id={ctx.execution_id}"}


class _DefaultSequential(Sequential):
    ALIASES: ClassVar[tuple[str, ...]] = ()

    def_: Text | None = Field(default=None, alias="def")

    def opening(self, ctx: FlowContext) -> Mapping[str, object] | None:
        return {"def": self.def_}


class DefaultSequential1(_DefaultSequential):
    TYPE: ClassVar[str] = "io.kestra.core.runners.PluginDefaultsCaseTest$DefaultSequential1"


class DefaultSequential2(_DefaultSequential):
    TYPE: ClassVar[str] = "io.kestra.core.runners.PluginDefaultsCaseTest$DefaultSequential2"


class DefaultSequential3(_DefaultSequential):
    TYPE: ClassVar[str] = "io.kestra.core.runners.PluginDefaultsCaseTest$DefaultSequential3"


FIXTURES: tuple[type[Plugin], ...] = (
    TaskWithAlias,
    TriggerWithAlias,
    BadExecutable,
    BadSequential,
    DynamicTask,
    Encrypted,
    NullOutputTask,
    Read,
    TaskThatFail,
    ListenersTestTask,
    DefaultSequential1,
    DefaultSequential2,
    DefaultSequential3,
)


def with_fixtures(registry: Registry) -> Registry:
    """The registry with the test plug-ins that it does not know."""
    for plugin in (*FIXTURES, *STAND_INS):
        if not _knows(registry, plugin.TYPE):
            registry.register(plugin)
    return registry


def _knows(registry: Registry, name: str) -> bool:
    try:
        registry.canonical(name)
    except UnknownType:
        return False
    return True


def unknown_types(registry: Registry, data: Any) -> list[str]:
    """Plug-in types of a flow that nothing answers to."""
    found: list[str] = []
    stack = [data]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            name = item.get("type")
            if isinstance(name, str) and "." in name and not _knows(registry, name):
                found.append(name)
            stack.extend(item.values())
        elif isinstance(item, list):
            stack.extend(item)
    return sorted(set(found))
