"""Retries: which policy, when, how often, and in which execution."""

from datetime import timedelta

import pytest

from tests.engine.harness import World, moments, states
from tests.engine.tasks import Spec, fails, flow, flowable, ok, registry, run


def retry(kind: str = "constant", **more: object) -> Spec:
    return {"type": kind, "interval": "PT10S", "maxAttempt": 3, **more}


def starts(world: World, run_id: str, task_id: str) -> list[float]:
    """Seconds from the first attempt's start to each start."""
    made = next(each for each in world.runs(run_id) if each.task_id == task_id)
    begun = [attempt.history.started_at for attempt in made.attempts]
    return [(moment - begun[0]).total_seconds() for moment in begun]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (retry(), [0, 10, 20]),
        (retry("exponential", maxAttempt=4, maxInterval="PT1H"), [0, 0, 20, 60]),
        (retry("exponential", maxAttempt=4, maxInterval="PT15S"), [0, 0, 15, 30]),
        (retry(maxAttempt=None, maxDuration="PT25S"), [0, 10, 20]),
    ],
)
def test_attempts_come_at_the_times_of_the_policy(policy: Spec, expected: list[float]) -> None:
    world, run_id = run(flow(fails("a", retry=policy)))
    assert starts(world, run_id, "a") == expected
    assert world.execution(run_id).state == "FAILED"


def test_a_random_interval_lies_between_its_bounds() -> None:
    policy = {"type": "random", "minInterval": "PT2S", "maxInterval": "PT4S", "maxAttempt": 2}
    world, run_id = run(flow(fails("a", retry=policy)))
    assert 2 <= starts(world, run_id, "a")[1] <= 4


def test_a_task_that_waits_for_its_retry_shows_on_the_execution() -> None:
    world, run_id = run(flow(fails("a", times=1, retry=retry()), ok("b")))
    made = world.runs(run_id)[0]
    assert moments(made) == [
        "CREATED", "RUNNING", "RETRYING", "CREATED", "RUNNING", "SUCCESS"
    ]  # fmt: skip
    assert moments(world.execution(run_id)) == [
        "CREATED", "RUNNING", "RETRYING", "RUNNING", "SUCCESS"
    ]  # fmt: skip
    assert [each.history.current for each in made.attempts] == ["FAILED", "SUCCESS"]
    assert len(world.runs(run_id)) == 2


def test_the_nearest_policy_counts_and_a_flowable_has_it_for_its_tasks_only() -> None:
    spec = flow(
        flowable("Sequential", "s", fails("deep", allowFailure=True), retry=retry(maxAttempt=2)),
        fails("own", retry=retry(maxAttempt=4), allowFailure=True),
        fails("flows"),
        retry=retry(maxAttempt=3),
    )
    world, run_id = run(spec)
    attempts = {made.task_id: len(made.attempts) for made in world.runs(run_id)}
    assert attempts == {"s": 0, "deep": 2, "own": 4, "flows": 3}


def test_errors_and_allow_failure_see_the_failure_only_when_no_try_is_left() -> None:
    world, run_id = run(flow(fails("a", retry=retry()), errors=[ok("e")]))
    assert states(world, run_id) == {"a": "FAILED", "e": "SUCCESS"}
    world, run_id = run(flow(fails("a", times=1, retry=retry(), allowFailure=True)))
    assert states(world, run_id) == {"a": "SUCCESS"}


def test_warning_on_retry_marks_a_late_success() -> None:
    policy = retry(warningOnRetry=True)
    world, run_id = run(flow(fails("late", times=2, retry=policy), fails("at_once", times=-1)))
    world, run_id = run(flow(fails("late", times=2, retry=policy), ok("first", retry=policy)))
    assert states(world, run_id) == {"late": "WARNING", "first": "SUCCESS"}


def test_siblings_go_on_while_one_waits_for_its_retry() -> None:
    spec = flowable("Parallel", "p", fails("a", times=1, retry=retry()), ok("b"))
    world, run_id = run(flow(spec))
    assert set(states(world, run_id).values()) == {"SUCCESS"}


def test_a_retry_by_new_execution_starts_from_the_beginning_until_the_last_has_the_end() -> None:
    policy = retry(behavior="CREATE_NEW_EXECUTION")
    task = fails("a", retry=policy)
    world, run_id = run(flow(flowable("Sequential", "s", task), labels={"k": "v"}), {"i": 1})
    all_ = world.executions()
    assert [each.state for each in all_] == ["RETRIED", "RETRIED", "FAILED"]
    assert states(world, run_id) == {"s": "RETRIED", "a": "RETRIED"}
    first, second, third = all_
    assert (second.parent_id, third.parent_id) == (first.id, second.id)
    assert third.original_id == first.id
    assert [each.attempt for each in all_] == [1, 2, 3]
    assert all(each.inputs == {"i": 1} and each.labels["k"] == "v" for each in all_)


def test_the_duration_of_retries_by_new_execution_counts_from_the_first_execution() -> None:
    policy = retry(behavior="CREATE_NEW_EXECUTION", maxAttempt=None, maxDuration="PT15S")
    world, _ = run(flow(fails("a", retry=policy)))
    assert [each.state for each in world.executions()] == ["RETRIED", "FAILED"]


def test_a_subflow_is_retried_with_a_new_child() -> None:
    call = flowable("Subflow", "call", namespace="tests", flowId="child", retry=retry())
    world, run_id = run(flow(call), None, flow(fails("x"), flow_id="child"))
    assert len(world.runs(run_id)[0].attempts) == 3
    assert len(world.executions()) == 4


def test_a_killed_execution_drops_its_retries() -> None:
    world = World(registry())
    run_id = world.create(world.add_flow(flow(fails("a", retry=retry()))))
    world.run(until=lambda: world.execution(run_id).state == "RETRYING")
    from mainstem.engine.decision import KillRequested

    world.do(run_id, KillRequested())
    world.run()
    assert states(world, run_id) == {"a": "KILLED"}
    assert world.now - world.execution(run_id).history.started_at < timedelta(seconds=10)
