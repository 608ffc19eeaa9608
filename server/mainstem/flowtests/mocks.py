"""Fixtures in the place of tasks: a mocked task gives its fixture and touches nothing."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from mainstem.errors import InvalidInput
from mainstem.flowtests.suite import TaskFixture
from mainstem.model.state import State
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.flow import Flow
from mainstem.sdk.rewrite import replace_tasks
from mainstem.sdk.task import RunnableTask, Task


class MockedTask(RunnableTask):
    """Stands where `original` stood. Fixtures with a `value` are for that iteration only."""

    TYPE: ClassVar[str] = "mainstem.flowtests.MockedTask"
    INLINE: ClassVar[bool] = True
    KEEPS_NULLS: ClassVar[bool] = True

    original: Task = Field(exclude=True)
    fixtures: tuple[TaskFixture, ...] = ()
    files: dict[str, str] = Field(default_factory=dict)

    def run(self, ctx: RunContext) -> Mapping[str, object] | None:
        fixture = self._fixture(ctx)
        if fixture is None:
            return self._run_original(ctx)
        outputs = ctx.render_value(dict(fixture.outputs), {"files": self.files})
        assert isinstance(outputs, dict)
        state = fixture.state or State.SUCCESS
        if state is State.SUCCESS:
            return outputs
        text = f"the fixture of the test says {state}"
        raise TaskFailed(text, outputs=outputs, state=state)

    def _fixture(self, ctx: RunContext) -> TaskFixture | None:
        run = ctx.variables.get("taskrun")
        value = run.get("value") if isinstance(run, Mapping) else None
        return next((item for item in self.fixtures if item.value in (None, value)), None)

    def _run_original(self, ctx: RunContext) -> Mapping[str, object] | None:
        if not isinstance(self.original, RunnableTask):
            raise InvalidInput(
                f"task `{self.id}` has fixtures for some iterations only, but `{self.type}` can "
                "only be mocked for all of them: add a fixture without `value`"
            )
        return self.original.run(ctx)


def mocked(flow: Flow, fixtures: tuple[TaskFixture, ...], files: Mapping[str, str]) -> Flow:
    """The flow with fixtures in the place of the tasks they name."""
    by_id: dict[str, list[TaskFixture]] = {}
    for fixture in fixtures:
        by_id.setdefault(fixture.id, []).append(fixture)
    if not by_id:
        return flow

    def change(task: Task) -> Task | None:
        found = by_id.get(task.id)
        return _mock(task, found, files) if found else None

    return replace_tasks(flow, change)


def _mock(task: Task, fixtures: list[TaskFixture], files: Mapping[str, str]) -> MockedTask:
    # The most telling first: those for one iteration before those for all.
    ordered = sorted(fixtures, key=lambda item: item.value is None)
    common = {name: getattr(task, name) for name in Task.model_fields}
    return MockedTask.model_construct(
        **common, original=task, fixtures=tuple(ordered), files=dict(files)
    )
