"""Restart, replay, changed states: what runs again and what stays."""

from datetime import timedelta

import pytest

from mainstem.engine.decision import (
    ChangeExecutionState,
    ChangeTaskRunState,
    ReplayRequested,
    RestartRequested,
    ResumeRequested,
)
from mainstem.errors import Conflict, InvalidInput, NotFound
from mainstem.model.execution import TaskRun
from mainstem.model.state import State
from tests.engine.harness import World, moments, states
from tests.engine.tasks import Spec, fails, flow, flowable, ok, registry, run, waits


def named(world: World, run_id: str, task_id: str, value: str | None = None) -> TaskRun:
    return next(
        made
        for made in world.runs(run_id)
        if made.task_id == task_id and value in (None, made.value)
    )


def restarted(spec: Spec) -> tuple[World, str]:
    world, run_id = run(spec)
    world.do(run_id, RestartRequested())
    return world, run_id


def test_a_restart_runs_the_failed_task_again_and_then_what_follows() -> None:
    world, run_id = restarted(flow(ok("a"), fails("b", times=1), ok("c")))
    assert world.execution(run_id).state == "RESTARTED"
    assert states(world, run_id) == {"a": "SUCCESS", "b": "RESTARTED"}
    world.run()
    assert states(world, run_id) == dict.fromkeys("abc", "SUCCESS")
    again = named(world, run_id, "b")
    assert [each.history.current for each in again.attempts] == ["FAILED", "SUCCESS"]
    assert len(named(world, run_id, "a").attempts) == 1


def test_ancestors_of_what_restarts_are_running_and_error_branches_are_dropped() -> None:
    inner = flowable("Sequential", "s", ok("x"), fails("b", times=1), ok("y"), errors=[ok("e")])
    world, run_id = restarted(flow(inner, errors=[ok("outer")], **{"finally": [ok("f")]}))
    assert states(world, run_id) == {"s": "RUNNING", "x": "SUCCESS", "b": "RESTARTED"}
    world.run()
    assert set(states(world, run_id).values()) == {"SUCCESS"}
    assert [made.task_id for made in world.runs(run_id)] == ["s", "x", "b", "y", "f"]


def test_every_failed_branch_of_a_parallel_restarts() -> None:
    spec = flowable("Parallel", "p", fails("a", times=1), fails("b", times=1), ok("c"))
    world, run_id = restarted(flow(spec))
    world.run()
    assert {made.task_id: len(made.attempts) for made in world.runs(run_id)} == {
        "p": 0, "a": 2, "b": 2, "c": 1
    }  # fmt: skip
    assert world.execution(run_id).state == "SUCCESS"


def test_a_restart_takes_up_the_values_that_the_failure_kept_from_starting() -> None:
    loop = flowable("ForEach", "loop", fails("x", times=1), ok("y"), values=["1", "2"])
    world, run_id = restarted(flow(loop))
    world.run()
    world.do(run_id, RestartRequested())
    world.run()
    assert states(world, run_id) == {
        "loop": "SUCCESS",
        "x[1]": "SUCCESS",
        "y[1]": "SUCCESS",
        "x[2]": "SUCCESS",
        "y[2]": "SUCCESS",
    }


def test_a_flowable_that_failed_by_itself_is_opened_again() -> None:
    cases = {"no": [ok("x")]}
    spec = flowable("Switch", "switch", value="{{ labels.case ?? 'none' }}", cases=cases)
    world, run_id = run(flow(spec))
    world.do(run_id, RestartRequested())
    world.run()
    assert states(world, run_id) == {"switch": "FAILED"}


def test_retries_start_anew_after_a_restart() -> None:
    again = {"type": "constant", "interval": "PT1S", "maxAttempt": 2}
    world = World(registry())
    world.task_time = timedelta(milliseconds=10)
    run_id = world.create(world.add_flow(flow(fails("a", retry=again))))
    world.run()
    world.do(run_id, RestartRequested())
    world.run()
    assert len(named(world, run_id, "a").attempts) == 4


def test_a_restart_runs_what_failed_during_a_pause_again_without_pausing_again() -> None:
    world = World(registry())
    pause = flowable("Pause", "p", ok("inside"), onPause=fails("tell", times=1))
    run_id = world.create(world.add_flow(flow(pause, ok("after"))))
    world.run()
    world.do(run_id, ResumeRequested())
    world.run()
    assert states(world, run_id) == {"p": "FAILED", "tell": "FAILED"}
    world.do(run_id, RestartRequested())
    world.run()
    assert states(world, run_id) == {
        "p": "SUCCESS", "tell": "SUCCESS", "inside": "SUCCESS", "after": "SUCCESS"
    }  # fmt: skip


def test_a_restart_of_what_runs_or_did_not_fail_is_refused() -> None:
    world, run_id = run(flow(ok("a")))
    with pytest.raises(InvalidInput, match="No task found to restart execution from!"):
        world.do(run_id, RestartRequested())
    world = World(registry())
    run_id = world.create(world.add_flow(flow(waits("a"))))
    world.settle()
    with pytest.raises(Conflict, match="RUNNING"):
        world.do(run_id, RestartRequested())


def test_a_restart_on_a_revision_makes_a_new_execution() -> None:
    world, run_id = run(flow(ok("a"), fails("b", times=0)))
    world.add_flow(flow(ok("a"), ok("b"), ok("c")))
    decision = world.do(run_id, RestartRequested(revision=2))
    (new,) = decision.new_executions
    world.run()
    assert new.execution.parent_id == run_id
    assert states(world, new.execution.id) == dict.fromkeys("abc", "SUCCESS")
    assert states(world, run_id)["b"] == "FAILED"


def replayed(world: World, run_id: str, task_id: str, value: str | None = None) -> str:
    target = named(world, run_id, task_id, value)
    (new,) = world.do(run_id, ReplayRequested(target.id)).new_executions
    return new.execution.id


def test_a_replay_from_the_start_is_a_fresh_execution_with_the_same_inputs() -> None:
    world, run_id = run(flow(ok("a"), labels={"k": "v"}), {"i": 1})
    (new,) = world.do(run_id, ReplayRequested()).new_executions
    assert (new.execution.parent_id, new.execution.original_id) == (run_id, run_id)
    assert new.execution.inputs == {"i": 1}
    assert new.execution.labels == world.execution(run_id).labels
    assert new.execution.state == "CREATED"
    world.run()
    assert states(world, new.execution.id) == {"a": "SUCCESS"}


def test_a_replay_keeps_what_came_before_under_new_ids() -> None:
    world, run_id = run(flow(ok("a"), ok("b"), ok("c")))
    new_id = replayed(world, run_id, "b")
    assert states(world, new_id) == {"a": "SUCCESS", "b": "RESTARTED"}
    ids = {made.id for made in world.runs(run_id)}
    assert not ids & {made.id for made in world.runs(new_id)}
    world.run()
    assert states(world, new_id) == dict.fromkeys("abc", "SUCCESS")
    assert len(named(world, new_id, "b").attempts) == 2
    assert moments(world.execution(run_id))[-1] == "SUCCESS"


def test_a_replay_from_a_parallel_branch_keeps_its_siblings() -> None:
    branches = [flowable("Sequential", f"s{n}", ok(f"x{n}"), ok(f"y{n}")) for n in (1, 2)]
    world, run_id = run(flow(flowable("Parallel", "p", *branches), ok("end")))
    new_id = replayed(world, run_id, "x1")
    assert states(world, new_id) == {
        "p": "RUNNING",
        "s1": "RUNNING",
        "s2": "SUCCESS",
        "x1": "RESTARTED",
        "x2": "SUCCESS",
        "y2": "SUCCESS",
    }
    world.run()
    assert len(world.runs(new_id)) == len(world.runs(run_id))


def test_a_replay_from_a_flowable_runs_all_of_its_children_again() -> None:
    world, run_id = run(flow(ok("a"), flowable("Sequential", "s", ok("x"), ok("y"))))
    new_id = replayed(world, run_id, "s")
    assert states(world, new_id) == {"a": "SUCCESS", "s": "RUNNING"}
    world.run()
    assert len(world.runs(new_id)) == 4


def test_a_replay_of_a_dag_drops_what_depends_on_the_task() -> None:
    tasks = [
        {"task": ok("a")},
        {"task": ok("b"), "dependsOn": ["a"]},
        {"task": ok("c"), "dependsOn": ["b"]},
        {"task": ok("d")},
    ]
    world, run_id = run(flow(flowable("Dag", "dag", tasks=tasks)))
    new_id = replayed(world, run_id, "b")
    assert sorted(states(world, new_id)) == ["a", "b", "d", "dag"]
    world.run()
    assert sorted(states(world, new_id)) == ["a", "b", "c", "d", "dag"]


def test_a_replay_from_an_unknown_task_run_is_refused() -> None:
    world, run_id = run(flow(ok("a")))
    with pytest.raises(InvalidInput, match="No task found"):
        world.do(run_id, ReplayRequested("nothing"))


def test_a_changed_task_state_lets_the_flow_go_on() -> None:
    inner = flowable("Sequential", "s", fails("b"), ok("c"))
    world, run_id = run(flow(inner, ok("d"), errors=[ok("e")]))
    failed = named(world, run_id, "b")
    world.do(run_id, ChangeTaskRunState(failed.id, State.SUCCESS))
    assert states(world, run_id) == {"s": "RUNNING", "b": "SUCCESS"}
    assert named(world, run_id, "b").attempts[-1].history.current == "SUCCESS"
    world.run()
    assert states(world, run_id) == dict.fromkeys(("s", "b", "c", "d"), "SUCCESS")


def test_a_task_changed_to_failed_fails_its_ancestors_and_errors_run() -> None:
    world, run_id = run(flow(flowable("Sequential", "s", ok("a")), errors=[ok("e")]))
    world.do(run_id, ChangeTaskRunState(named(world, run_id, "a").id, State.FAILED))
    world.run()
    assert states(world, run_id) == {"s": "FAILED", "a": "FAILED", "e": "SUCCESS"}
    with pytest.raises(NotFound):
        world.do(run_id, ChangeTaskRunState("nothing", State.FAILED))


def test_only_the_state_of_an_ended_execution_can_be_changed() -> None:
    world, run_id = run(flow(ok("a")))
    world.do(run_id, ChangeExecutionState(State.WARNING))
    assert moments(world.execution(run_id)) == ["CREATED", "RUNNING", "SUCCESS", "WARNING"]
    with pytest.raises(InvalidInput):
        world.do(run_id, ChangeExecutionState(State.RUNNING))
    world = World(registry())
    run_id = world.create(world.add_flow(flow(waits("a"))))
    world.settle()
    with pytest.raises(InvalidInput):
        world.do(run_id, ChangeExecutionState(State.FAILED))
