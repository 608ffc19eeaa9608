"""Sequential lists, Parallel and Dag: what comes next and how a list ends."""

import pytest

from tests.engine.harness import moments, states
from tests.engine.tasks import fails, flow, flowable, ok, run, waits


def test_tasks_of_a_flow_run_one_after_another() -> None:
    world, run_id = run(flow(ok("a"), ok("b")))
    assert states(world, run_id) == {"a": "SUCCESS", "b": "SUCCESS"}
    assert moments(world.execution(run_id)) == ["CREATED", "RUNNING", "SUCCESS"]


def test_a_failed_branch_lets_its_siblings_finish_before_the_parallel_fails() -> None:
    world, run_id = run(flow(flowable("Parallel", "p", waits("slow"), fails("bad")), ok("after")))
    assert states(world, run_id) == {"p": "FAILED", "slow": "SUCCESS", "bad": "FAILED"}
    assert world.execution(run_id).state == "FAILED"


def test_disabled_tasks_leave_no_task_run() -> None:
    world, run_id = run(flow(ok("a", disabled=True)))
    assert states(world, run_id) == {}
    assert world.execution(run_id).state == "SUCCESS"


def test_errors_run_innermost_first_and_do_not_mend_the_list() -> None:
    inner = flowable("Sequential", "s", fails("bad"), ok("never"), errors=[ok("inner")])
    world, run_id = run(flow(inner, errors=[ok("outer"), ok("outer2")]))
    assert states(world, run_id) == {
        "s": "FAILED",
        "bad": "FAILED",
        "inner": "SUCCESS",
        "outer": "SUCCESS",
        "outer2": "SUCCESS",
    }


@pytest.mark.parametrize("concurrent", [1, 2, 5])
def test_parallel_keeps_to_its_limit(concurrent: int) -> None:
    tasks = [waits(f"t{n}", 10) for n in range(4)]
    world, run_id = run(flow(flowable("Parallel", "p", *tasks, concurrent=concurrent)))
    starts = [run.attempts[0].history.started_at for run in world.runs(run_id) if run.attempts]
    at_once = max(starts.count(moment) for moment in starts)
    assert at_once == min(concurrent, 4)


def test_a_dag_starts_each_task_after_its_dependencies() -> None:
    tasks = [
        {"task": waits("a", 5)},
        {"task": ok("b"), "dependsOn": ["a"]},
        {"task": ok("c"), "dependsOn": ["a", "b"]},
        {"task": ok("d"), "dependsOn": ["gone"]},
        {"task": ok("gone", disabled=True)},
    ]
    world, run_id = run(flow(flowable("Dag", "dag", tasks=tasks)))
    assert [run.task_id for run in world.runs(run_id)] == ["dag", "a", "d", "b", "c"]
    assert set(states(world, run_id).values()) == {"SUCCESS"}
