"""Time limits of groups and subflows."""

import pytest

from mainstem.engine.decision import RestartRequested
from mainstem.model.log import Level
from tests.engine.harness import World, children_of, states
from tests.engine.tasks import Spec, fails, flow, flowable, ok, registry, run, waits


def elapsed(world: World, run_id: str) -> float:
    history = world.execution(run_id).history
    assert history.ended_at is not None
    return (history.ended_at - history.started_at).total_seconds()


def run_always(spec: Spec, *others: Spec, reload: bool) -> tuple[World, str]:
    world = World(registry())
    world.reload_always = reload
    for other in others:
        world.add_flow(other)
    run_id = world.create(world.add_flow(spec))
    world.run()
    return world, run_id


GROUPS = {
    "Sequential": {},
    "Parallel": {},
    "AllowFailure": {},
    "ForEach": {"values": ["a"]},
    "LoopUntil": {"condition": "{{ false }}"},
}


@pytest.mark.parametrize("kind", GROUPS)
@pytest.mark.parametrize("reload", [False, True])
def test_a_group_that_runs_too_long_fails_and_what_it_started_is_killed(
    kind: str, reload: bool
) -> None:
    spec = flowable(kind, "g", waits("slow", 600), timeout="PT30S", **GROUPS[kind])
    world, run_id = run_always(flow(spec, ok("after")), reload=reload)
    found = states(world, run_id)
    slow = next(state for name, state in found.items() if name.startswith("slow"))
    assert slow == "KILLED"
    allowed = kind == "AllowFailure"
    assert found["g"] == ("WARNING" if allowed else "FAILED")
    assert ("after" in found) is allowed
    assert elapsed(world, run_id) == 30
    (line,) = [item for item in world.logs if item.level is Level.ERROR]
    assert line.message == "Timeout: the task ran longer than PT30S"
    assert line.task_id == "g"


def test_a_group_that_ends_in_time_is_left_alone() -> None:
    spec = flowable("Sequential", "g", waits("w", 10), timeout="{{ 'PT30S' }}")
    world, run_id = run(flow(spec, waits("after", 100)))
    assert states(world, run_id) == {"g": "SUCCESS", "w": "SUCCESS", "after": "SUCCESS"}


@pytest.mark.parametrize("reload", [False, True])
def test_errors_and_finally_of_the_group_run_after_it_ran_too_long(reload: bool) -> None:
    more = {"errors": [waits("e", 60)], "finally": [ok("f")], "timeout": "PT30S"}
    spec = flowable("Sequential", "g", waits("slow", 600), ok("never"), **more)
    world, run_id = run_always(flow(spec), reload=reload)
    assert states(world, run_id) == {
        "g": "FAILED",
        "slow": "KILLED",
        "e": "SUCCESS",
        "f": "SUCCESS",
    }


def test_allow_failure_and_retries_elsewhere_stay_as_they_are() -> None:
    spec = flowable(
        "Parallel", "g", waits("slow", 600), ok("quick"), timeout="PT30S", allowFailure=True
    )
    world, run_id = run(flow(spec, ok("after")))
    assert states(world, run_id) == {
        "g": "WARNING",
        "slow": "KILLED",
        "quick": "SUCCESS",
        "after": "SUCCESS",
    }


def test_a_nested_group_is_stopped_with_everything_below_it() -> None:
    inner = flowable("Parallel", "inner", waits("a", 600), waits("b", 600))
    pause = flowable("Pause", "p")
    spec = flowable("Parallel", "outer", inner, pause, timeout="PT30S")
    world, run_id = run(flow(spec))
    assert states(world, run_id) == {
        "outer": "FAILED",
        "inner": "KILLED",
        "a": "KILLED",
        "b": "KILLED",
        "p": "KILLED",
    }
    assert world.execution(run_id).state == "FAILED"


def test_a_subflow_that_runs_too_long_is_killed() -> None:
    call = flowable("Subflow", "call", namespace="tests", flowId="child", timeout="PT30S")
    child = flow(waits("slow", 600), flow_id="child")
    world, run_id = run(flow(call), None, child)
    assert states(world, run_id) == {"call": "FAILED"}
    assert [made.state for made in children_of(world, run_id)] == ["KILLED"]
    assert elapsed(world, run_id) == 30


def test_a_subflow_that_ran_too_long_is_retried_with_a_fresh_limit() -> None:
    retry = {"type": "constant", "interval": "PT5S", "maxAttempt": 2}
    call = flowable(
        "Subflow", "call", namespace="tests", flowId="child", timeout="PT30S", retry=retry
    )
    child = flow(waits("slow", 600), flow_id="child")
    world, run_id = run(flow(call), None, child)
    assert [made.state for made in children_of(world, run_id)] == ["KILLED", "KILLED"]
    assert len(world.runs(run_id)[0].attempts) == 2
    assert elapsed(world, run_id) == 65


def test_a_working_directory_has_a_limit_over_all_its_tasks() -> None:
    spec = flowable("WorkingDirectory", "wd", ok("a"), timeout="PT30S")
    world, run_id = run(flow(spec, waits("after", 100)))
    assert states(world, run_id)["after"] == "SUCCESS"


def test_a_limit_that_cannot_be_rendered_fails_the_group() -> None:
    spec = flowable("Sequential", "g", ok("a"), timeout="{{ nothing }}")
    world, run_id = run(flow(spec))
    assert states(world, run_id)["g"] == "FAILED"
    assert any("nothing" in line.message for line in world.logs)


def test_a_restarted_group_has_its_full_time_again() -> None:
    spec = flowable("Sequential", "g", waits("slow", "{{ vars.seconds ?? 600 }}"), timeout="PT30S")
    world, run_id = run(flow(spec))
    assert states(world, run_id) == {"g": "FAILED", "slow": "KILLED"}
    world.do(run_id, RestartRequested())
    world.run()
    assert states(world, run_id) == {"g": "FAILED", "slow": "KILLED"}
    assert [attempt.history.current for attempt in world.runs(run_id)[0].attempts] == [
        "FAILED",
        "FAILED",
    ]


def test_the_limit_does_not_cut_off_errors_and_finally() -> None:
    more = {"errors": [waits("e", 60)], "finally": [waits("f", 60)], "timeout": "PT30S"}
    world, run_id = run(flow(flowable("Sequential", "g", fails("x"), **more)))
    assert states(world, run_id) == {"g": "FAILED", "x": "FAILED", "e": "SUCCESS", "f": "SUCCESS"}
