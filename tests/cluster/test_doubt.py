"""Where nobody knows whether a commit went through, or who leads: everything ends once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from mainstem.app import App
from mainstem.bus.inprocess import JOBS
from mainstem.errors import Transient
from mainstem.model.state import State
from mainstem.services.executions import NewRun
from mainstem.services.search import ExecutionFilter
from mainstem.store.database import Database
from tests.cluster.processes import eventually
from tests.server.conftest import Server

GATED = """
id: gated
namespace: demo
inputs: [{id: gate, type: STRING}]
tasks:
  - id: work
    type: scripts.shell.Commands
    commands:
      - "echo $$ >> {{ inputs.gate }}.started"
      - "for i in $(seq 2000); do test -e {{ inputs.gate }} && break; sleep 0.02; done"
  - {id: after, type: core.debug.Return, format: done}
"""
MIXED = """
id: mixed
namespace: demo
tasks:
  - {id: pause, type: core.flow.Pause, delay: PT0.2S}
  - {id: sh, type: scripts.shell.Commands, commands: ["true"]}
  - {id: value, type: core.debug.Return, format: done}
"""


class Doubtful:
    """A database whose next commits go through, but whose answer is lost."""

    def __init__(self, real: Database) -> None:
        self.real = real
        self.lost = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with self.real.write() as tx:
            yield tx
        if self.lost:
            self.lost -= 1
            raise Transient("the connection was lost while it committed")


@pytest.mark.parametrize("first", [0, 1, 2])
def test_a_commit_whose_answer_was_lost_is_neither_undone_nor_made_twice(
    make_node: Callable[..., App], first: int
) -> None:
    app = make_node("one")
    doubtful = Doubtful(app.database)
    app.executor._database = doubtful  # type: ignore[assignment]
    app.start()
    server = Server(app)
    flow = server.save(MIXED)
    seen = 0
    finish = app.executor._finish

    def counted(batch: object) -> None:
        nonlocal seen
        if not app.stepper.is_idle(batch):  # type: ignore[arg-type]
            doubtful.lost = seen == first
            seen += 1
        finish(batch)  # type: ignore[arg-type]

    app.executor._finish = counted  # type: ignore[method-assign]
    if first == 0:
        with pytest.raises(Transient):
            app.executions.create(NewRun(flow))
    else:
        app.executions.create(NewRun(flow))
    (made,) = app.search.page(ExecutionFilter()).executions
    done = server.wait(made.id)
    assert done.state is State.SUCCESS, server.logs(done)
    assert server.outputs(done)["value"] == {"value": "done"}
    eventually(lambda: _jobs(app) == 0, "no job is left behind")


def test_a_leader_that_sleeps_through_its_lease_has_its_results_taken_by_the_next(
    make_node: Callable[..., App], tmp_path: Path
) -> None:
    first = make_node("first", **{"cluster.lost_seconds": 60.0})
    first.start()
    gate = tmp_path / "gate"
    server = Server(first)
    execution = server.start(GATED, gate=str(gate))
    eventually(Path(f"{gate}.started").exists, "the attempt begins in the leading process")
    assert first.cluster is not None
    assert first.cluster._ticker is not None
    first.cluster._ticker.stop()  # it renews its lease no more, and does not know
    second = make_node("second", "web", "executor", "scheduler", **{"cluster.lost_seconds": 60.0})
    second.start()
    eventually(lambda: second.executor.is_active, "the second one leads")
    gate.touch()
    done = Server(second).wait(execution.id)
    assert done.state is State.SUCCESS
    assert {run.task_id: len(run.attempts) for run in server.runs(done)} == {"work": 1, "after": 1}
    assert Path(f"{gate}.started").read_text().count("\n") == 1


def test_a_claimed_job_that_nobody_makes_is_given_back(
    make_node: Callable[..., App], tmp_path: Path
) -> None:
    app = make_node("one")
    app.start()
    server = Server(app)
    gate = tmp_path / "gate"
    execution = server.start(GATED, gate=str(gate))
    eventually(Path(f"{gate}.started").exists, "the attempt begins")
    with app.database.write() as tx:
        tx.execute(text("UPDATE jobs SET token = 'of nobody'"))
    eventually(
        lambda: Path(f"{gate}.started").read_text().count("\n") == 2,
        "the attempt is made again",
    )
    gate.touch()
    done = server.wait(execution.id)
    assert done.state is State.SUCCESS
    assert {run.task_id: len(run.attempts) for run in server.runs(done)} == {"work": 2, "after": 1}


def test_more_jobs_than_places_are_all_made_and_none_waits_for_the_clock(
    make_node: Callable[..., App],
) -> None:
    app = make_node("one", **{"worker.threads": 2})
    app.start()
    ticked: list[str] = []
    app.bus.subscribe([JOBS], ticked.append)
    server = Server(app)
    done = server.run(
        "id: many\nnamespace: demo\ntasks:\n  - id: each\n    type: core.flow.ForEach\n"
        '    values: "{{ range(1, 12) }}"\n    concurrencyLimit: 0\n'
        "    tasks: [{id: sh, type: scripts.shell.Commands, commands: ['true']}]\n"
    )
    assert done.state is State.SUCCESS
    assert len([run for run in server.runs(done) if run.task_id == "sh"]) == 12
    assert ticked


def _jobs(app: App) -> int:
    with app.database.read() as tx:
        return int(tx.execute(text("SELECT count(*) FROM jobs")).scalar_one())
