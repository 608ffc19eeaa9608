"""WorkingDirectory: children driven by one worker, in one folder."""

from collections.abc import Mapping
from typing import ClassVar

from mainstem.engine.decision import Begin, Finished, KillRequested, Lost, Started, WorkspaceRuns
from mainstem.engine.live import LiveExecution
from mainstem.engine.workspace import open_workspace
from mainstem.model.state import State
from mainstem.sdk.context import RunContext
from mainstem.sdk.task import RunnableTask
from tests.engine.harness import World, states
from tests.engine.tasks import Spec, fails, flow, flowable, ok, registry, run, wishes


class Appends(RunnableTask):
    """Adds its id to a file of the working directory and gives the file's text."""

    TYPE: ClassVar[str] = "test.Appends"

    def run(self, ctx: RunContext) -> Mapping[str, object]:
        path = ctx.workdir / "file.txt"
        before = path.read_text() if path.exists() else ""
        path.write_text(before + self.id)
        return {"value": path.read_text()}


def appends(task_id: str, **more: object) -> Spec:
    return {"id": task_id, "type": Appends.TYPE, **more}


def folder(*tasks: Spec, **more: object) -> Spec:
    return flowable("WorkingDirectory", "wd", *tasks, **more)


def drive(spec: Spec) -> tuple[World, str]:
    known = registry()
    known.register(Appends)
    world = World(known)
    run_id = world.create(world.add_flow(spec))
    world.run()
    world.close()
    return world, run_id


def test_children_share_a_folder_and_run_in_order() -> None:
    world, run_id = drive(flow(folder(appends("a"), appends("b"), outputFiles=["*.txt"])))
    assert states(world, run_id) == {"wd": "SUCCESS", "a": "SUCCESS", "b": "SUCCESS"}
    assert world.live(run_id).outputs["b"] == {"value": "ab"}
    uris = world.runs(run_id)[0].outputs
    assert uris is not None
    assert list(uris["outputFiles"]) == ["file.txt"]  # type: ignore[call-overload]


def test_retries_allow_failure_and_run_if_of_children_hold() -> None:
    again = {"type": "constant", "interval": "PT10S", "maxAttempt": 3}
    spec = folder(
        fails("retried", times=2, retry=again),
        fails("warned", allowFailure=True),
        ok("skipped", runIf="false"),
        ok("last"),
    )
    world, run_id = run(flow(spec))
    assert states(world, run_id) == {
        "wd": "WARNING", "retried": "SUCCESS", "warned": "WARNING", "skipped": "SKIPPED",
        "last": "SUCCESS",
    }  # fmt: skip
    retried = world.runs(run_id)[1]
    assert len(retried.attempts) == 3
    assert (world.now - world.execution(run_id).history.started_at).seconds == 20


def test_a_failed_child_stops_the_rest() -> None:
    world, run_id = run(flow(folder(fails("a"), ok("b")), ok("c")))
    assert states(world, run_id) == {"wd": "FAILED", "a": "FAILED"}


def test_the_loop_value_of_the_folder_serves_its_children() -> None:
    text = "{{ taskrun.value }} {{ workerTaskrun.value }}"
    loop = flowable("ForEach", "loop", folder(ok("a", text)), values=["x", "y"])
    world, run_id = run(flow(loop, ok("end", "{{ outputs.a.y.value }}")))
    outputs = world.live(run_id).outputs
    assert outputs["a"] == {"x": {"value": "x x"}, "y": {"value": "y y"}}
    assert outputs["end"] == {"value": "y y"}


def test_labels_and_an_early_end_asked_for_inside_a_folder_reach_the_execution() -> None:
    spec = folder(wishes("l", labels={"k": "v"}), wishes("exit", end="WARNING"), ok("never"))
    world, run_id = run(flow(spec, ok("after")))
    assert world.execution(run_id).labels["k"] == "v"
    assert world.execution(run_id).state == "WARNING"
    assert states(world, run_id) == dict.fromkeys(("wd", "l", "exit"), "SUCCESS")


def submitted() -> tuple[World, str, LiveExecution]:
    world = World(registry())
    run_id = world.create(world.add_flow(flow(folder(ok("a"), ok("b")))))
    live = world.live(run_id)
    from mainstem.engine.advance import advance

    advance(live, Begin(), world.environment())
    return world, run_id, live


def test_the_worker_s_index_shares_no_change_with_the_executor_s() -> None:
    from mainstem.engine.advance import advance

    world, _, live = submitted()
    folder_run = next(iter(live.nodes))
    local = open_workspace(live, folder_run)
    decision = advance(local, Begin(), world.environment())
    assert len(live.nodes) == 1
    assert [each.task.id for each in decision.submit] == ["a"]
    advance(live, WorkspaceRuns(folder_run, decision.task_runs), world.environment())
    assert len(live.nodes) == 2


def test_a_lost_worker_starts_the_folder_anew() -> None:
    from mainstem.engine.advance import advance

    world, _, live = submitted()
    env = world.environment()
    folder_run = next(iter(live.nodes))
    advance(live, Started(folder_run, 1, world.now), env)
    local = open_workspace(live, folder_run)
    inner = advance(local, Begin(), env)
    advance(live, WorkspaceRuns(folder_run, inner.task_runs), env)
    decision = advance(live, Lost(folder_run, 1, world.now), env)
    assert [each.id for each in inner.task_runs] == list(decision.removed)
    assert [each.attempt for each in decision.submit] == [2]


def test_a_killed_folder_ends_its_open_children() -> None:
    from mainstem.engine.advance import advance

    world, run_id, live = submitted()
    env = world.environment()
    folder_run = next(iter(live.nodes))
    advance(live, Started(folder_run, 1, world.now), env)
    local = open_workspace(live, folder_run)
    inner = advance(local, Begin(), env)
    advance(live, WorkspaceRuns(folder_run, inner.task_runs), env)
    decision = advance(live, KillRequested(), env)
    assert decision.cancel == (folder_run,)
    advance(live, Finished(folder_run, 1, State.KILLED, world.now), env)
    assert set(states(world, run_id).values()) == {"KILLED"}
    assert live.execution.state == "KILLED"
