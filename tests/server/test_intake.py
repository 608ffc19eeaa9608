"""New executions are stored by the batch that takes their first steps, or not at all."""

import asyncio
import threading
from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import Connection

from mainstem.api.doorway import Doorway
from mainstem.app import App
from mainstem.errors import Conflict, Transient
from mainstem.executor.batch import Batch
from mainstem.executor.items import Fresh, Stop, Wake
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.model.trigger import TriggerState
from mainstem.services.executions import NewRun
from mainstem.services.search import ExecutionFilter
from mainstem.services.tickets import TurnedAway
from mainstem.services.webhooks import Arrival, Call
from mainstem.store import executions as rows
from mainstem.store import triggers as trigger_rows
from mainstem.worker.job import Job
from tests.server.conftest import Server

LIGHT = """
id: light
namespace: demo
tasks:
  - {id: value, type: core.debug.Return, format: "{{ flow.id }}"}
"""
SHELL = """
id: shell
namespace: demo
tasks:
  - {id: run, type: scripts.shell.Commands, commands: ["true"]}
"""
HOOKED = LIGHT + "triggers: [{id: hook, type: core.trigger.Webhook, key: k}]\n"
BIG = """
id: big
namespace: demo
tasks:
  - id: each
    type: core.flow.ForEach
    values: "{{ range(1, 1500) }}"
    concurrencyLimit: 0
    tasks: [{id: value, type: core.debug.Return, format: "{{ taskrun.value }}"}]
"""


@pytest.fixture
def database() -> dict[str, object]:
    """SQLite: executors without a lease, as these tests drive them, may not write elsewhere."""
    return {}


def _page(app: App, execution_id: str) -> object:
    return app.search.page(ExecutionFilter(ids=[execution_id])).executions


class Answers:
    """Collects what `done` is told."""

    def __init__(self) -> None:
        self.given: list[Exception | None] = []
        self.came = threading.Event()

    def done(self, error: Exception | None) -> None:
        self.given.append(error)
        self.came.set()


def test_an_execution_is_stored_when_create_returns(server: Server) -> None:
    made = server.start(LIGHT)
    with server.app.database.read() as tx:
        assert rows.get(tx, made.id).execution.labels == made.labels
    assert server.wait(made.id).state is State.SUCCESS


def test_an_execution_that_ends_in_its_first_batch_is_written_once(server: Server) -> None:
    made = server.start(LIGHT)
    with server.app.database.read() as tx:
        found = rows.get(tx, made.id)
    assert (found.execution.state, found.version, found.closed) == (State.SUCCESS, 1, True)


def test_executions_that_come_together_share_a_batch_and_each_is_answered(
    make_app: Callable[..., App],
) -> None:
    app = make_app()
    flow = app.flows.save(LIGHT).flow
    prepared = [app.executions.prepare(NewRun(flow)) for _ in range(20)]
    answers = Answers()
    app.executor.handle([Fresh(execution, None, answers.done) for execution in prepared])
    assert answers.given == [None] * 20
    assert {app.executions.get(e.id).state for e in prepared} == {State.SUCCESS}
    app.stop()


def test_an_execution_whose_steps_raise_is_stored_as_failed_and_answered(
    make_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    flow = app.flows.save(LIGHT).flow
    good, bad = (app.executions.prepare(NewRun(flow)) for _ in range(2))
    begin = app.stepper._begin

    def fails_for_one(batch: object, entry: object) -> object:
        if entry.live.execution.id == bad.id:  # type: ignore[attr-defined]
            raise RuntimeError("a bug of ours")
        return begin(batch, entry)  # type: ignore[arg-type]

    monkeypatch.setattr(app.stepper, "_begin", fails_for_one)
    answers = Answers()
    app.executor.handle([Fresh(good, None, answers.done), Fresh(bad, None, answers.done)])
    assert answers.given == [None, None]
    assert app.executions.get(good.id).state is State.SUCCESS
    assert app.executions.get(bad.id).state is State.FAILED
    assert any("a bug of ours" in line for line in Server(app).logs(bad))
    app.stop()


@pytest.mark.parametrize("between", [0, 200])
def test_what_comes_after_the_stop_is_stored_by_the_last_batch_or_turned_away(
    make_app: Callable[..., App], between: int
) -> None:
    app = make_app()
    flow = app.flows.save(LIGHT).flow
    late = app.executions.prepare(NewRun(flow))
    answers = Answers()
    for item in [Stop(), *[Wake()] * between, Fresh(late, None, answers.done)]:
        app.executor._queue.put(item)
    app.executor.start()
    assert answers.came.wait(20)
    app.executor.stop()
    assert len(answers.given) == 1
    is_stored = bool(_page(app, late.id))
    assert is_stored is (answers.given == [None]) is (between == 0)
    stored = app.executions.create(NewRun(flow))
    assert app.executions.get(stored.id).state is State.CREATED
    app.database.close()


def test_a_batch_that_the_process_gives_up_answers_with_the_reason(
    make_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app()
    flow = app.flows.save(LIGHT).flow
    execution = app.executions.prepare(NewRun(flow))

    def gone(*_: object) -> object:
        raise Transient("the database does not answer")

    monkeypatch.setattr(app.executor, "_finish", gone)
    app.executor._ending.set()
    answers = Answers()
    app.executor.handle([Fresh(execution, None, answers.done)])
    assert [type(error) for error in answers.given] == [TurnedAway]
    app.database.close()


def test_a_long_loop_is_committed_in_parts_and_loses_nothing(server: Server) -> None:
    parts: list[int] = []
    dispatch = server.app.stepper.dispatch

    def counted(batch: object) -> None:
        parts.append(len(batch.runs))  # type: ignore[attr-defined]
        dispatch(batch)  # type: ignore[arg-type]

    server.app.stepper.dispatch = counted  # type: ignore[method-assign, assignment]
    execution = server.run(BIG)
    assert execution.state is State.SUCCESS
    values = [run.outputs["value"] for run in server.runs(execution) if run.value and run.outputs]
    assert sorted(values, key=int) == [str(n) for n in range(1, 1501)]  # type: ignore[call-overload]
    assert len(parts) > 1


def test_a_quick_webhook_call_stores_the_execution_and_its_evaluation_together(
    server: Server,
) -> None:
    flow = server.save(HOOKED)
    answers = Answers()
    webhooks = server.app.triggers.webhooks
    arrival = Arrival(flow, "k", Call({"a": 1}), answers.done)
    assert webhooks.fire_quickly([arrival]) == [None]  # not parsed yet
    server.app.flows.load(flow, 1)
    (made,) = webhooks.fire_quickly([arrival])
    assert isinstance(made, Execution)
    assert answers.came.wait(20)
    assert answers.given == [None]
    (seen,) = server.app.triggers.evaluations(flow, "hook")
    assert seen.execution_id == made.id
    assert server.app.executions.get(made.id).trigger == made.trigger


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ("key: k", "wrong"),
        ("key: \"{{ 'k' }}\"", "k"),
        ("key: k, inputs: {who: me}", "k"),
        ("key: k, labels: {a: '{{ flow.id }}'}", "k"),
        ("key: k, disabled: true", "k"),
    ],
)
def test_a_webhook_call_that_needs_more_than_a_look_is_left_to_the_slow_way(
    server: Server, change: str, key: str
) -> None:
    inputs = "inputs: [{id: who, type: STRING, required: false}]\n" if "inputs" in change else ""
    flow = server.save(HOOKED.replace("key: k", change) + inputs)
    server.app.flows.load(flow, 1)
    answers = Answers()
    arrival = Arrival(flow, key, Call(), answers.done)
    assert server.app.triggers.webhooks.fire_quickly([arrival]) == [None]
    assert not answers.given


def test_webhook_calls_of_one_turn_are_looked_up_once_and_stored_each(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = server.save(HOOKED)
    server.app.flows.load(flow, 1)
    asked: list[FlowId] = []
    of_flow = trigger_rows.of_flow

    def counted(tx: Connection, wanted: FlowId) -> list[TriggerState]:
        asked.append(wanted)
        return of_flow(tx, wanted)

    monkeypatch.setattr(trigger_rows, "of_flow", counted)
    doorway = Doorway(server.app.triggers.webhooks)

    async def call_at_once() -> list[Execution | None]:
        keys = ["k", "k", "wrong", "k"]
        return await asyncio.gather(*(doorway.enter(flow, key, Call()) for key in keys))

    made = asyncio.run(call_at_once())
    assert [item is None for item in made] == [False, False, True, False]
    assert len(asked) == 1
    stored = [server.app.executions.get(item.id).state for item in made if item is not None]
    assert len(stored) == 3


def test_a_webhook_call_is_told_what_keeps_its_execution_from_being_stored() -> None:
    class Refusing:
        def fire_quickly(self, arrivals: Sequence[Arrival]) -> list[Execution | None]:
            raise Transient("the database does not answer")

    doorway = Doorway(Refusing())  # type: ignore[arg-type]
    with pytest.raises(Transient):
        asyncio.run(doorway.enter(FlowId("a", "b"), "k", Call()))


def test_an_attempt_is_recorded_as_running_before_a_free_thread_gets_it(
    make_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(**{"worker.threads": 1})
    flow = app.flows.save(SHELL).flow
    handed: list[Job] = []
    monkeypatch.setattr(app.workers._executor, "submit", lambda _work, job: handed.append(job))
    first, second = (app.executions.prepare(NewRun(flow)) for _ in range(2))
    app.executor.handle([Fresh(first, None, lambda _: None), Fresh(second, None, lambda _: None)])
    (run,), (waiting,) = (app.executions.task_runs(e.id) for e in (first, second))
    assert (run.state, len(run.attempts)) == (State.RUNNING, 1)
    assert (waiting.state, len(waiting.attempts)) == (State.CREATED, 0)
    assert [job.is_begun for job in handed] == [True, False]
    app.database.close()


def test_a_place_that_was_kept_is_free_again_when_the_batch_fails(
    make_app: Callable[..., App], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(**{"worker.threads": 1})
    flow = app.flows.save(SHELL).flow
    tries: list[object] = []
    commit = app.executor._commit

    def conflicts_once(batch: Batch) -> object:
        tries.append(batch)
        if len(tries) == 1:
            raise Conflict("another process was faster")
        return commit(batch)

    monkeypatch.setattr(app.executor, "_commit", conflicts_once)
    app.executor.handle([Fresh(app.executions.prepare(NewRun(flow)), None, lambda _: None)])
    assert len(tries) == 2
    app.workers.close(kill=False)
    assert app.workers._kept == 0
    app.database.close()
