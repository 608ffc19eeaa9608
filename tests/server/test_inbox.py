"""What waits for the executor cannot block it."""

from mainstem.model.state import State
from mainstem.services.executions import NewRun
from mainstem.store import inbox
from mainstem.store.inbox import Asked
from tests.server.conftest import Server

PAUSE = "id: f\nnamespace: demo\ntasks: [{id: stop, type: core.flow.Pause}]\n"


def test_a_stored_event_that_means_nothing_is_dropped_and_blocks_no_other(server: Server) -> None:
    app = server.app
    execution = server.start(PAUSE)
    server.wait(execution.id, lambda e: e.state is State.PAUSED)
    with app.database.write() as tx:
        for kind, payload in (("Nonsense", {}), ("Unqueued", {"state": "X"}), ("SetLabels", {})):
            inbox.ask(tx, Asked(execution.id, kind, payload), app.clock.now())
        inbox.ask(tx, Asked("nobody", "KillRequested"), app.clock.now())
    app.executions.kill(execution.id)
    assert server.wait(execution.id).state is State.KILLED
    with app.database.read() as tx:
        assert inbox.asked(tx, 9) == []


def test_an_action_answers_with_what_came_of_it(server: Server) -> None:
    done = server.run("id: g\nnamespace: demo\ntasks: [{id: a, type: core.log.Log, message: x}]\n")
    for number in range(3):
        changed = server.app.executions.set_labels(done.id, {"n": str(number)})
        assert changed.labels["n"] == str(number)


def test_an_action_is_kept_while_no_executor_runs(server: Server) -> None:
    app = server.app
    flow = server.save(PAUSE)
    app.executor.stop()
    execution = app.executions.create(NewRun(flow))
    assert app.executions.kill(execution.id).state is State.CREATED
    app.executor.start()
    assert server.wait(execution.id).state is State.KILLED
