"""What the executor promises: everything committed is found again, limits hold, order is kept."""

from collections.abc import Callable

from mainstem.app import App
from mainstem.model.state import State
from mainstem.services.executions import NewRun
from mainstem.services.search import ExecutionFilter
from tests.server.conftest import Server

HELLO = """
id: hello
namespace: demo
inputs:
  - {id: who, type: STRING, defaults: you}
tasks:
  - {id: greet, type: core.log.Log, message: "hi {{ inputs.who }}"}
  - {id: value, type: core.debug.Return, format: "{{ task.id }} for {{ inputs.who }}"}
"""

GATED = """
id: gated
namespace: demo
tasks:
  - id: wait
    type: scripts.shell.Commands
    commands: ["while [ ! -e {{ inputs.gate }} ]; do sleep 0.02; done; echo through"]
inputs:
  - {id: gate, type: STRING}
"""


def test_a_flow_runs_its_tasks_in_order_and_keeps_outputs_and_logs(server: Server) -> None:
    execution = server.run(HELLO, who="Ada")
    assert execution.state is State.SUCCESS
    assert [run.task_id for run in server.runs(execution)] == ["greet", "value"]
    assert server.outputs(execution)["value"] == {"value": "value for Ada"}
    assert server.logs(execution) == ["INFO hi Ada", "DEBUG value for Ada"]


def test_the_history_of_an_execution_has_every_state_once(server: Server) -> None:
    execution = server.run(HELLO)
    moments = execution.history.moments
    assert [m.state for m in moments] == [State.CREATED, State.RUNNING, State.SUCCESS]
    assert [m.at for m in moments] == sorted(m.at for m in moments)


def test_a_failing_command_fails_the_execution_and_says_why(server: Server) -> None:
    execution = server.run(
        "id: bad\nnamespace: demo\ntasks:\n"
        "  - {id: boom, type: scripts.shell.Commands, commands: ['echo over there >&2; exit 7']}\n"
    )
    assert execution.state is State.FAILED
    assert "ERROR Command failed with exit code 7: over there" in server.logs(execution)


def test_a_killed_execution_ends_its_process(server: Server, tmp_path: object) -> None:
    execution = server.start(GATED, gate=f"{tmp_path}/never")
    server.wait(
        execution.id, lambda _: any(r.state is State.RUNNING for r in server.runs(execution))
    )
    server.app.executions.kill(execution.id)
    assert server.wait(execution.id).state is State.KILLED
    assert server.states(execution) == {"wait": State.KILLED}


def test_a_timeout_ends_the_attempt_as_failed(server: Server, tmp_path: object) -> None:
    execution = server.run(
        GATED.replace("type: scripts", "timeout: PT0.2S\n    type: scripts"),
        gate=f"{tmp_path}/never",
    )
    assert execution.state is State.FAILED
    assert any("Timeout" in line for line in server.logs(execution))


def test_the_concurrency_limit_queues_and_the_queue_drains_in_order(
    server: Server, tmp_path: object
) -> None:
    limited = GATED.replace("namespace: demo", "namespace: demo\nconcurrency: {limit: 1}")
    flow = server.save(limited)
    gates = [f"{tmp_path}/{number}" for number in range(3)]
    made = [server.app.executions.create(NewRun(flow, inputs={"gate": gate})).id for gate in gates]
    server.wait(made[0], lambda e: e.state is State.RUNNING)
    server.wait(made[2], lambda e: e.state is State.QUEUED)
    assert server.app.executions.get(made[1]).state is State.QUEUED
    for execution_id, gate in zip(made, gates, strict=True):
        server.wait(execution_id, lambda e: e.state is State.RUNNING)
        open(gate, "w").close()
        assert server.wait(execution_id).state is State.SUCCESS
    started = [server.app.executions.get(i).history.entered(State.RUNNING) for i in made]
    assert started == sorted(started)  # type: ignore[type-var]


def test_an_execution_that_was_created_while_nobody_ran_is_begun_at_the_next_start(
    make_app: Callable[..., App],
) -> None:
    asleep = make_app()
    flow = asleep.flows.save(HELLO).flow
    execution = asleep.executions.create(NewRun(flow))
    asleep.database.close()
    app = make_app()
    app.start()
    assert Server(app).wait(execution.id).state is State.SUCCESS
    app.stop()


def test_an_attempt_that_a_stop_cuts_off_is_made_again(
    make_app: Callable[..., App], tmp_path: object
) -> None:
    first = make_app()
    first.start()
    gate = f"{tmp_path}/gate"
    server = Server(first)
    execution = server.start(GATED, gate=gate)
    server.wait(
        execution.id, lambda _: any(r.state is State.RUNNING for r in server.runs(execution))
    )
    first.stop()
    open(gate, "w").close()
    second = make_app()
    second.start()
    again = Server(second)
    assert again.wait(execution.id).state is State.SUCCESS
    (run,) = again.runs(execution)
    assert len(run.attempts) == 2
    second.stop()


def test_a_subflow_reports_its_outputs_to_its_parent(server: Server) -> None:
    server.save(
        "id: child\nnamespace: demo\ninputs: [{id: n, type: INT}]\n"
        "tasks: [{id: r, type: core.debug.Return, format: '{{ inputs.n + 1 }}'}]\n"
        "outputs: [{id: out, type: STRING, value: '{{ outputs.r.value }}'}]\n"
    )
    execution = server.run(
        "id: parent\nnamespace: demo\ntasks:\n"
        "  - {id: call, type: core.flow.Subflow, namespace: demo, flowId: child, inputs: {n: 41}}\n"
        "  - {id: show, type: core.debug.Return, format: '{{ outputs.call.outputs.out }}'}\n"
    )
    assert execution.state is State.SUCCESS
    assert server.outputs(execution)["show"] == {"value": "42"}


def test_a_subflow_that_does_not_exist_fails_its_parent(server: Server) -> None:
    execution = server.run(
        "id: parent\nnamespace: demo\ntasks:\n"
        "  - {id: call, type: core.flow.Subflow, namespace: demo, flowId: nobody}\n"
    )
    assert execution.state is State.FAILED
    assert any("nobody" in line for line in server.logs(execution))


def test_a_loop_of_shell_tasks_runs_each_value(server: Server) -> None:
    execution = server.run(
        "id: loop\nnamespace: demo\ntasks:\n"
        "  - id: each\n    type: core.flow.ForEach\n    values: [a, b, c]\n"
        "    concurrencyLimit: 0\n    tasks:\n"
        "      - {id: say, type: scripts.shell.Commands, "
        'commands: ["echo \'::{\\"outputs\\":{\\"v\\":\\"{{ taskrun.value }}\\"}}::\'"]}\n'
        "  - {id: all, type: core.debug.Return, format: \"{{ outputs.say['b'].vars.v }}\"}\n"
    )
    assert execution.state is State.SUCCESS, server.logs(execution)
    assert server.outputs(execution)["all"] == {"value": "b"}


def test_restarting_runs_only_what_failed(server: Server, tmp_path: object) -> None:
    flag = f"{tmp_path}/flag"
    execution = server.run(
        "id: flaky\nnamespace: demo\ntasks:\n"
        "  - {id: first, type: core.debug.Return, format: once}\n"
        f"  - {{id: second, type: scripts.shell.Commands, commands: ['test -e {flag}']}}\n"
    )
    assert execution.state is State.FAILED
    open(flag, "w").close()
    server.app.executions.restart(execution.id)
    server.wait(execution.id, lambda e: e.state is State.SUCCESS)
    runs = {run.task_id: run for run in server.runs(execution)}
    assert len(runs["first"].attempts) == 1
    assert len(runs["second"].attempts) == 2


def test_a_replay_makes_a_new_execution_that_names_its_source(server: Server) -> None:
    source = server.run(HELLO, who="Ada")
    replay = server.app.executions.replay(source.id)
    server.wait(source.id, lambda _: _exists(server, replay.id))
    done = server.wait(replay.id)
    assert (done.state, done.parent_id, done.original_id) == (State.SUCCESS, source.id, source.id)
    assert server.outputs(done)["value"] == {"value": "value for Ada"}


def _exists(server: Server, execution_id: str) -> bool:
    return bool(server.app.search.page(_by_id(execution_id)).executions)


def _by_id(execution_id: str) -> ExecutionFilter:
    return ExecutionFilter(ids=[execution_id])


WORKSPACE = """
id: folder
namespace: demo
tasks:
  - id: shared
    type: core.flow.WorkingDirectory
    outputFiles: ["*.txt"]
    inputFiles: {start.txt: "one"}
    tasks:
      - {id: write, type: scripts.shell.Commands, commands: ["echo two >> start.txt"]}
      - id: read
        type: scripts.shell.Commands
        commands: ["cat start.txt", "echo '::{\\"outputs\\":{\\"n\\":\\"x\\"}}::'"]
  - id: after
    type: core.debug.Return
    format: "{{ outputs.read.vars.n }} {{ read(outputs.shared.outputFiles['start.txt']) }}"
"""


def test_children_of_a_working_directory_share_its_files(server: Server) -> None:
    execution = server.run(WORKSPACE)
    assert execution.state is State.SUCCESS, server.logs(execution)
    assert server.outputs(execution)["after"] == {"value": "x onetwo\n"}
    assert server.states(execution) == dict.fromkeys(
        ["shared", "write", "read", "after"], State.SUCCESS
    )


def test_a_kill_reaches_the_process_inside_a_working_directory(server: Server) -> None:
    execution = server.start(
        "id: folder\nnamespace: demo\ntasks:\n"
        "  - id: shared\n    type: core.flow.WorkingDirectory\n    tasks:\n"
        "      - {id: long, type: scripts.shell.Commands, commands: ['sleep 600']}\n"
    )
    server.wait(
        execution.id,
        lambda _: server.states(execution).get("long") is not None,
    )
    server.app.executions.kill(execution.id)
    assert server.wait(execution.id).state is State.KILLED
    assert set(server.states(execution).values()) == {State.KILLED}


def test_a_secret_input_never_shows_in_the_log(server: Server) -> None:
    execution = server.run(
        "id: hush\nnamespace: demo\ninputs: [{id: token, type: SECRET}]\ntasks:\n"
        "  - {id: say, type: core.log.Log, message: 'the token is {{ inputs.token }}'}\n"
        "  - id: sh\n    type: scripts.shell.Commands\n"
        "    commands: ['echo {{ inputs.token }} | base64']\n",
        token="s3cr3t-v4lue",
    )
    assert execution.state is State.SUCCESS, server.logs(execution)
    text = "\n".join(server.logs(execution))
    assert "s3cr3t-v4lue" not in text
    assert "the token is ************" in text
    assert "s3cr3t-v4lue" not in str(server.app.executions.get(execution.id).inputs)


def test_a_pause_tells_of_itself_and_waits_on(server: Server) -> None:
    source = """
id: approval
namespace: demo
tasks:
  - id: stop
    type: core.flow.Pause
    onPause: {id: tell, type: core.log.Log, message: "{{ execution.id }} waits"}
  - {id: after, type: core.log.Log, message: on}
"""
    execution = server.start(source)
    told = {"stop": State.PAUSED, "tell": State.SUCCESS}
    server.wait(execution.id, lambda _: server.states(execution) == told)
    assert server.app.executions.get(execution.id).state is State.PAUSED
    assert f"INFO {execution.id} waits" in server.logs(execution)
    server.app.executions.resume(execution.id, {}, {})
    assert server.wait(execution.id).state is State.SUCCESS
    assert server.states(execution) == dict.fromkeys(("stop", "tell", "after"), State.SUCCESS)
