"""Small tasks for tests of the engine, and builders of flows that use them."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from mainstem.engine.decision import Event
from mainstem.model.state import State
from mainstem.plugins.core import flow as flow_control
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.registry import Registry
from mainstem.sdk.task import RunnableTask
from tests.engine.harness import World

FLOW = "io.kestra.plugin.core.flow."
Spec = dict[str, Any]


class Say(RunnableTask):
    """Gives its rendered text as `value`."""

    TYPE: ClassVar[str] = "test.Say"

    text: Text = "{{ task.id }}"

    def run(self, ctx: RunContext) -> Mapping[str, object]:
        return {"value": ctx.render_text(self.text)}


class Fails(RunnableTask):
    """Fails, as long as fewer than `times` attempts were made (0: always)."""

    TYPE: ClassVar[str] = "test.Fails"

    times: int = 0
    state: State = State.FAILED

    def run(self, ctx: RunContext) -> None:
        if not self.times or ctx.attempt <= self.times:
            raise TaskFailed("Task failure", state=self.state, outputs={"tried": ctx.attempt})


class Waits(RunnableTask):
    """Takes virtual seconds."""

    TYPE: ClassVar[str] = "test.Waits"

    seconds: Property[float] = Property(60.0, float)

    def run(self, ctx: RunContext) -> None:
        ctx.wait(ctx.render(self.seconds))


class Wishes(RunnableTask):
    """Asks for changes of its execution."""

    TYPE: ClassVar[str] = "test.Wishes"

    labels: dict[str, str] = Field(default_factory=dict)
    variables: dict[str, object] = Field(default_factory=dict)
    unset: tuple[str, ...] = ()
    end: State | None = None

    def run(self, ctx: RunContext) -> None:
        ctx.set_labels(self.labels)
        ctx.set_variables(self.variables, self.unset)
        if self.end is not None:
            ctx.end_execution(self.end)


class Reports(RunnableTask):
    """Reports dynamic runs, one for each given state."""

    TYPE: ClassVar[str] = "test.Reports"

    states: tuple[State, ...]

    def run(self, ctx: RunContext) -> None:
        for number, state in enumerate(self.states):
            ctx.child(f"{self.id}-{number}").finish(state, {"number": number})


FIXTURES = (Say, Fails, Waits, Wishes, Reports)


def registry() -> Registry:
    found = Registry([flow_control])
    for plugin in FIXTURES:
        found.register(plugin)
    return found


def ok(task_id: str, text: str = "{{ task.id }}", **more: Any) -> Spec:
    return {"id": task_id, "type": Say.TYPE, "text": text, **more}


def fails(task_id: str, times: int = 0, **more: Any) -> Spec:
    return {"id": task_id, "type": Fails.TYPE, "times": times, **more}


def waits(task_id: str, seconds: float | str = 60.0, **more: Any) -> Spec:
    return {"id": task_id, "type": Waits.TYPE, "seconds": seconds, **more}


def wishes(task_id: str, **more: Any) -> Spec:
    return {"id": task_id, "type": Wishes.TYPE, **more}


def flowable(kind: str, task_id: str, *tasks: Spec, **more: Any) -> Spec:
    spec: Spec = {"id": task_id, "type": FLOW + kind, **more}
    if tasks:
        spec["tasks"] = list(tasks)
    return spec


def flow(*tasks: Spec, flow_id: str = "flow", **more: Any) -> Spec:
    return {"id": flow_id, "namespace": "tests", "tasks": list(tasks), **more}


def world(**options: Any) -> World:
    return World(registry(), **options)


def run(spec: Spec, inputs: Mapping[str, object] | None = None, *others: Spec) -> tuple[World, str]:
    """Run one execution of the flow to its end; further flows may be called by it."""
    made = world()
    for other in others:
        made.add_flow(other)
    execution_id = made.create(made.add_flow(spec), inputs)
    made.run()
    made.close()
    return made, execution_id


def events(made: World, kind: type[Event]) -> list[Event]:
    return [event for _, event, _ in made.decisions if isinstance(event, kind)]
