"""Pause, whole-execution pauses and LoopUntil."""

from datetime import timedelta

import pytest

from mainstem.engine.decision import ForceRun, KillRequested, PauseRequested, ResumeRequested
from mainstem.errors import Conflict, InvalidInput
from tests.engine.harness import World, moments, states
from tests.engine.tasks import Spec, fails, flow, flowable, ok, registry, run, waits


def paused(*tasks: Spec, **more: object) -> tuple[World, str]:
    """A world whose execution waits in a Pause called `p`."""
    world = World(registry())
    spec = flow(flowable("Pause", "p", *tasks, **more), ok("after"))
    run_id = world.create(world.add_flow(spec))
    world.run(until=lambda: world.execution(run_id).state == "PAUSED")
    return world, run_id


def test_a_pause_waits_until_it_is_resumed_and_then_its_tasks_run() -> None:
    world, run_id = paused(ok("inside"))
    world.run()
    assert states(world, run_id) == {"p": "PAUSED"}
    world.do(run_id, ResumeRequested())
    assert world.execution(run_id).state == "RESTARTED"
    world.run()
    assert states(world, run_id) == {"p": "SUCCESS", "inside": "SUCCESS", "after": "SUCCESS"}
    assert moments(world.runs(run_id)[0]) == ["CREATED", "RUNNING", "PAUSED", "RUNNING", "SUCCESS"]
    assert moments(world.execution(run_id))[2:] == ["PAUSED", "RESTARTED", "RUNNING", "SUCCESS"]


def test_what_is_filled_in_on_resuming_becomes_an_output() -> None:
    world, run_id = paused()
    world.do(run_id, ResumeRequested({"answer": 42}))
    world.run()
    assert world.live(run_id).outputs["p"] == {"onResume": {"answer": 42}}


@pytest.mark.parametrize(
    ("more", "state", "after"),
    [
        ({"delay": "PT30S"}, "SUCCESS", True),
        ({"pauseDuration": "{{ 'PT' ~ 30 ~ 'S' }}"}, "SUCCESS", True),
        ({"timeout": "PT30S"}, "FAILED", False),
        ({"timeout": "PT30S", "allowFailure": True}, "WARNING", True),
        ({"delay": "PT30S", "timeout": "PT1S"}, "SUCCESS", True),
        ({"delay": "PT30S", "behavior": "WARN"}, "WARNING", True),
        ({"delay": "PT30S", "behavior": "FAIL"}, "FAILED", False),
        ({"delay": "PT30S", "behavior": "CANCEL"}, "CANCELLED", False),
    ],
)
def test_the_end_of_a_pause_by_time(more: Spec, state: str, after: bool) -> None:
    world, run_id = run(flow(flowable("Pause", "p", **more), ok("after")))
    assert states(world, run_id)["p"] == state
    assert ("after" in states(world, run_id)) is after
    waited = world.now - world.execution(run_id).history.started_at
    assert waited == timedelta(seconds=30)


def test_errors_of_a_pause_run_when_it_times_out_or_its_tasks_fail() -> None:
    world, run_id = run(flow(flowable("Pause", "p", timeout="PT1S", errors=[ok("e")])))
    assert states(world, run_id)["p"] == "FAILED"


def test_siblings_go_on_beside_a_pause_and_the_execution_pauses_when_they_are_done() -> None:
    world = World(registry())
    spec = flowable("Parallel", "par", flowable("Pause", "p"), waits("slow", 20), ok("fast"))
    run_id = world.create(world.add_flow(flow(spec)))
    world.settle()
    assert world.execution(run_id).state == "RUNNING"
    world.run()
    assert world.execution(run_id).state == "PAUSED"
    assert states(world, run_id) == {
        "par": "RUNNING", "p": "PAUSED", "slow": "SUCCESS", "fast": "SUCCESS"
    }  # fmt: skip


def test_one_of_two_pauses_can_be_resumed_by_its_task_run() -> None:
    world = World(registry())
    pauses = [flowable("Pause", name, ok(f"{name}-in")) for name in ("p1", "p2")]
    run_id = world.create(world.add_flow(flow(flowable("Parallel", "par", *pauses))))
    world.run()
    second = next(made for made in world.runs(run_id) if made.task_id == "p2")
    world.do(run_id, ResumeRequested(task_run_id=second.id))
    world.run()
    assert states(world, run_id)["p1"] == "PAUSED"
    assert states(world, run_id)["p2-in"] == "SUCCESS"
    assert world.execution(run_id).state == "PAUSED"


def test_resuming_what_is_not_paused_is_a_conflict() -> None:
    world, run_id = run(flow(ok("a")))
    with pytest.raises(Conflict, match="not paused"):
        world.do(run_id, ResumeRequested())


def test_a_whole_execution_can_be_held_and_goes_on_where_it_was() -> None:
    world = World(registry())
    run_id = world.create(world.add_flow(flow(waits("a", 10), ok("b"))))
    world.settle()
    world.do(run_id, PauseRequested())
    world.run()
    assert states(world, run_id) == {"a": "SUCCESS"}
    assert world.execution(run_id).state == "PAUSED"
    world.do(run_id, ResumeRequested())
    world.run()
    assert states(world, run_id) == {"a": "SUCCESS", "b": "SUCCESS"}
    with pytest.raises(InvalidInput, match="RUNNING"):
        world.do(run_id, PauseRequested())


def test_timers_that_ring_while_an_execution_is_held_count_once_it_goes_on() -> None:
    from tests.engine.tasks import fails

    world = World(registry())
    again = {"type": "constant", "interval": "PT5S", "maxAttempt": 2}
    branches = [
        fails("retried", times=1, retry=again),
        flowable("Pause", "p", delay="PT5S"),
        waits("slow", 60),
    ]
    run_id = world.create(world.add_flow(flow(flowable("Parallel", "par", *branches))))
    world.settle()
    world.do(run_id, PauseRequested())
    world.run()
    assert states(world, run_id) == {
        "par": "RUNNING", "retried": "RETRYING", "p": "PAUSED", "slow": "SUCCESS"
    }  # fmt: skip
    world.do(run_id, ResumeRequested(task_run_id=world.runs(run_id)[2].id))
    world.run()
    assert set(states(world, run_id).values()) == {"SUCCESS"}


def test_force_run_ends_a_pause_and_refuses_what_has_ended() -> None:
    world, run_id = paused()
    world.do(run_id, ForceRun())
    world.run()
    assert world.execution(run_id).state == "SUCCESS"
    with pytest.raises(InvalidInput):
        world.do(run_id, ForceRun())


COUNT = "{{ outputs.loop.iterationCount }}"


def loop(condition: str, *tasks: Spec, **more: object) -> Spec:
    return flowable("LoopUntil", "loop", *(tasks or (ok("x", COUNT),)), condition=condition, **more)


def test_a_loop_runs_again_after_its_interval_until_its_condition_holds() -> None:
    spec = loop("{{ outputs.x.value == '3' }}", checkFrequency={"interval": "PT5S"})
    world, run_id = run(flow(spec, ok("end", COUNT)))
    assert states(world, run_id) == {"loop": "SUCCESS", "x": "SUCCESS", "end": "SUCCESS"}
    assert world.live(run_id).outputs["end"] == {"value": "3"}
    last = world.runs(run_id)[1]
    assert last.iteration == 3
    assert (world.now - world.execution(run_id).history.started_at).seconds == 10
    assert "PAUSED" in moments(world.execution(run_id))


@pytest.mark.parametrize(("fail", "state"), [(False, "SUCCESS"), (True, "FAILED")])
@pytest.mark.parametrize(
    ("limit", "message"),
    [({"maxIterations": 2}, "Max iterations reached"), ({"maxDuration": "PT3S"}, "Max duration")],
)
def test_a_loop_that_reaches_a_maximum(limit: Spec, message: str, fail: bool, state: str) -> None:
    world, run_id = run(flow(loop("false", checkFrequency=limit, failOnMaxReached=fail)))
    assert states(world, run_id)["loop"] == state
    assert message in world.logs[-1].message


@pytest.mark.parametrize(("kind", "passes", "apart"), [("WaitFor", 100, 1), ("LoopUntil", 150, 60)])
def test_only_the_older_name_of_a_loop_has_limits_of_its_own(
    kind: str, passes: int, apart: int
) -> None:
    spec = {**loop("{{ outputs.x.value == '150' }}"), "type": f"io.kestra.plugin.core.flow.{kind}"}
    world, run_id = run(flow(spec))
    assert states(world, run_id)["loop"] == "SUCCESS"
    count = world.live(run_id).outputs["loop"]["iterationCount"]  # type: ignore[index]
    assert count in (passes, passes + 1)
    took = world.now - world.execution(run_id).history.started_at
    assert took.total_seconds() == (count - 1) * apart  # type: ignore[operator]


def test_a_failing_child_ends_a_loop_at_once() -> None:
    from tests.engine.tasks import fails

    world, run_id = run(flow(loop("false", fails("x"))))
    assert states(world, run_id) == {"loop": "FAILED", "x": "FAILED"}


def test_a_loop_inside_a_loop_starts_its_passes_anew() -> None:
    inner = loop("{{ outputs.x[taskrun.value].value == '2' }}")
    text = {"tasks": [ok("x", "{{ outputs.loop[parent.taskrun.value].iterationCount }}")]}
    each = flowable("ForEach", "each", {**inner, **text}, values=["a", "b"])
    world, run_id = run(flow(each))
    assert states(world, run_id)["loop[b]"] == "SUCCESS"


def test_a_task_runs_when_the_pause_begins_and_the_pause_waits_on() -> None:
    world, run_id = paused(ok("inside"), onPause=ok("tell"))
    world.run()
    assert states(world, run_id) == {"p": "PAUSED", "tell": "SUCCESS"}
    assert world.execution(run_id).state == "PAUSED"
    world.do(run_id, ResumeRequested())
    world.run()
    assert states(world, run_id) == {
        "p": "SUCCESS", "tell": "SUCCESS", "inside": "SUCCESS", "after": "SUCCESS"
    }  # fmt: skip


def test_a_pause_whose_task_failed_fails_once_it_goes_on() -> None:
    world, run_id = paused(ok("inside"), onPause=fails("tell"))
    world.run()
    assert states(world, run_id) == {"p": "PAUSED", "tell": "FAILED"}
    world.do(run_id, ResumeRequested())
    world.run()
    assert states(world, run_id) == {"p": "FAILED", "tell": "FAILED"}
    assert world.execution(run_id).state == "FAILED"


def test_what_runs_during_a_pause_ends_with_it() -> None:
    more: Spec = {"onPause": waits("tell"), "timeout": "PT1S"}
    world, run_id = run(flow(flowable("Pause", "p", **more)))
    assert states(world, run_id) == {"p": "FAILED", "tell": "KILLED"}
    assert world.execution(run_id).state == "FAILED"


def test_a_pause_may_be_resumed_before_what_it_runs_has_ended() -> None:
    world = World(registry())
    spec = flow(flowable("Pause", "p", ok("inside"), onPause=waits("tell", 30)))
    run_id = world.create(world.add_flow(spec))
    world.run(until=lambda: states(world, run_id).get("tell") == "RUNNING")
    world.do(run_id, ResumeRequested())
    world.run()
    assert states(world, run_id) == {"p": "SUCCESS", "tell": "SUCCESS", "inside": "SUCCESS"}


def test_killing_a_pause_kills_what_runs_during_it() -> None:
    world = World(registry())
    spec = flow(flowable("Pause", "p", onPause=waits("tell", 30)), ok("after"))
    run_id = world.create(world.add_flow(spec))
    world.run(until=lambda: states(world, run_id).get("tell") == "RUNNING")
    world.do(run_id, KillRequested())
    world.run()
    assert states(world, run_id) == {"p": "KILLED", "tell": "KILLED"}
    assert world.execution(run_id).state == "KILLED"
