"""Several servers on one database, in one process: what runs where, and what is handed over."""

from collections.abc import Callable
from pathlib import Path

from mainstem.app import App
from mainstem.model.state import State
from mainstem.services.workers import WorkerService
from tests.cluster.processes import eventually
from tests.server.conftest import Server

HELLO = """
id: hello
namespace: demo
inputs: [{id: who, type: STRING, defaults: you}]
tasks:
  - {id: greet, type: core.log.Log, message: "hi {{ inputs.who }}"}
  - {id: sh, type: scripts.shell.Commands, commands: ["echo '::{\\"outputs\\":{\\"n\\":\\"{{ inputs.who }}\\"}}::'"]}
  - {id: value, type: core.debug.Return, format: "{{ outputs.sh.vars.n }}!"}
"""  # noqa: E501


def test_one_server_on_postgresql_does_everything(make_node: Callable[..., App]) -> None:
    app = make_node("one")
    app.start()
    server = Server(app)
    execution = server.run(HELLO, who="Ada")
    assert execution.state is State.SUCCESS, server.logs(execution)
    assert server.outputs(execution)["value"] == {"value": "Ada!"}
    assert [len(run.attempts) for run in server.runs(execution)] == [1, 1, 1]


def test_a_web_server_an_executor_and_a_worker_share_the_work(
    make_node: Callable[..., App], tmp_path: Path
) -> None:
    web = make_node("web", "web")
    brain = make_node("brain", "executor", "scheduler")
    hand = make_node("hand", "worker")
    for app in (web, brain, hand):
        app.start()
    server = Server(web)
    execution = server.run(HELLO, who="Ada")
    assert execution.state is State.SUCCESS, server.logs(execution)
    assert server.outputs(execution)["value"] == {"value": "Ada!"}
    assert "INFO hi Ada" in server.logs(execution)


def test_a_drained_worker_leaves_jobs_to_others_until_it_is_asked_again(
    make_node: Callable[..., App],
) -> None:
    brain = make_node("brain", "web", "executor", "scheduler")
    hand = make_node("hand", "worker")
    for app in (brain, hand):
        app.start()
    server = Server(brain)
    workers = WorkerService(brain.database, 30)
    eventually(lambda: bool(workers.workers()), "a worker")
    (worker,) = workers.workers()
    workers.drain(worker.id, draining=True)
    assert hand.cluster is not None
    remote = hand.cluster.worker
    eventually(lambda: not remote.takes_jobs, "the drain")
    execution = server.start(HELLO, who="Ada")
    eventually(lambda: bool(workers.queue().attempts), "a job that waits")
    workers.drain(worker.id, draining=False)
    assert server.wait(execution.id).state is State.SUCCESS
