"""A whole server in one process: real SQLite, real files, real threads."""

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from mainstem.app import App
from mainstem.bus.inprocess import EXECUTIONS, execution_topic
from mainstem.model.execution import Execution, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.services.executions import NewRun
from mainstem.services.search import LogFilter
from mainstem.settings import load_settings

PATIENCE = 20.0


class Server:
    """An App with words for tests."""

    def __init__(self, app: App, patience: float = PATIENCE) -> None:
        self.app = app
        self.patience = patience

    def save(self, source: str) -> FlowId:
        return self.app.flows.save(source).flow

    def start(self, source: str, **inputs: object) -> Execution:
        return self.app.executions.create(NewRun(self.save(source), inputs=inputs))

    def run(self, source: str, **inputs: object) -> Execution:
        """Run to the end."""
        return self.wait(self.start(source, **inputs).id)

    def wait(
        self, execution_id: str, until: Callable[[Execution], bool] | None = None
    ) -> Execution:
        """Wait for the end, or for something else to hold; woken by signals, not by time."""
        wanted = until or (lambda execution: execution.state.is_terminal)
        changed = threading.Event()
        unsubscribe = self.app.bus.subscribe(
            [EXECUTIONS, execution_topic(execution_id)], lambda _topic: changed.set()
        )
        try:
            while True:
                changed.clear()
                execution = self.app.executions.get(execution_id)
                if wanted(execution):
                    return execution
                assert changed.wait(self.patience), f"nothing happened; it is {execution.state}"
        finally:
            unsubscribe()

    def runs(self, execution: Execution) -> list[TaskRun]:
        return self.app.executions.task_runs(execution.id)

    def states(self, execution: Execution) -> dict[str, State]:
        return {run.task_id: run.state for run in self.runs(execution)}

    def outputs(self, execution: Execution) -> dict[str, Mapping[str, object] | None]:
        return {run.task_id: run.outputs for run in self.runs(execution)}

    def logs(self, execution: Execution) -> list[str]:
        lines = self.app.search.lines(LogFilter(execution_id=execution.id))
        return [f"{item.line.level.name} {item.line.message}" for item in lines]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> dict[str, object]:
    """Settings of a database of each dialect."""
    if request.param == "sqlite":
        return {}
    url: str = request.getfixturevalue("postgres_url")
    return {"database.url": url, "database.pool_size": 4}


@pytest.fixture
def make_app(tmp_path: Path, database: dict[str, object]) -> Callable[..., App]:
    """Apps on one state folder and one database; the caller stops them."""

    def make(**overrides: object) -> App:
        given = {
            "state_dir": str(tmp_path / "state"),
            "runners.default": "process",
            **database,
            **overrides,
        }
        return App(load_settings(overrides=given, environment={}))

    return make


@pytest.fixture
def server(make_app: Callable[..., App]) -> Iterator[Server]:
    app = make_app()
    app.start()
    yield Server(app)
    app.stop()
