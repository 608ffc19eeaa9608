"""Loop: iterations with a context of their own."""

from typing import Any

import pytest

from mainstem.engine.decision import RestartRequested
from tests.engine.harness import World
from tests.engine.tasks import Spec, fails, flow, flowable, ok, registry, run, waits

OUTPUT = [{"id": "r", "type": "STRING", "value": "{{ outputs.p.value }}"}]


def loop(*tasks: Spec, **more: Any) -> Spec:
    return flowable("Loop", "loop", *tasks, **{"values": ["a", "b", "a"], **more})


def outputs_of(world: World, run_id: str, task_id: str = "loop") -> dict[str, Any]:
    (found,) = [item for item in world.runs(run_id) if item.task_id == task_id]
    return dict(found.outputs or {})


def told(world: World, run_id: str, task_id: str) -> list[Any]:
    runs = [item for item in world.runs(run_id) if item.task_id == task_id]
    return [(item.outputs or {}).get("value") for item in runs]


@pytest.mark.parametrize("reload", [False, True])
def test_each_value_runs_even_if_it_is_there_twice(reload: bool) -> None:
    world = World(registry())
    world.reload_always = reload
    spec = flow(loop(ok("p", "{{ item.index }}:{{ item.value }}"), outputs=OUTPUT))
    run_id = world.create(world.add_flow(spec))
    world.run()
    assert told(world, run_id, "p") == ["0:a", "1:b", "2:a"]
    found = outputs_of(world, run_id)
    assert [row["outputs"]["r"] for row in found["outputs"]] == ["0:a", "1:b", "2:a"]
    assert [row["item"]["value"] for row in found["outputs"]] == ["a", "b", "a"]
    counts = {key: found[key] for key in found if "terations" in key or "Count" in key}
    assert counts == {"iterationCount": 3, "runningIterations": 0, "terminatedIterations": 3}


def test_tasks_see_outputs_of_their_own_iteration_and_those_before_the_loop() -> None:
    inner = flowable("If", "choice", condition="{{ item.value == 'b' }}", then=[
        ok("deep", "{{ outputs.p.value }}/{{ outputs.before.value }}")
    ])  # fmt: skip
    spec = flow(ok("before"), loop(ok("p", "{{ item.value }}{{ item.index }}"), inner))
    world, run_id = run(spec)
    assert told(world, run_id, "deep") == ["b1/before"]


def test_nested_loops_reach_the_values_around() -> None:
    text = "{{ item.parents[1].value }}-{{ item.parent.value }}-{{ item.value }}"
    inner = flowable(
        "Loop", "inner", ok("p", text), ok("q", "{{ outputs.p.value }}"), values=[1, 2]
    )
    middle = flowable("Loop", "middle", inner, values=["m"])
    world, run_id = run(flow(flowable("Loop", "outer", middle, values=["x", "y"])))
    expected = ["x-m-1", "x-m-2", "y-m-1", "y-m-2"]
    assert told(world, run_id, "p") == expected
    assert told(world, run_id, "q") == expected


def test_values_may_be_a_map_a_json_text_or_a_typed_expression() -> None:
    text = "{{ item.key ?? '-' }}={{ item.value }}"
    for values, expected in (
        ({"k": 1, "l": "two"}, ["k=1", "l=two"]),
        ('["a", {"b": 1}]', ["-=a", '-={"b":1}']),
        ("{{ range(1, 3) }}", ["-=1", "-=2", "-=3"]),
        ([{"id": 7}], ['-={"id":7}']),
    ):
        world, run_id = run(flow(loop(ok("p", text), values=values)))
        assert told(world, run_id, "p") == expected


def test_the_lines_of_a_file_are_values_and_outputs_are_stored() -> None:
    world = World(registry())
    world.files["kestra:///lines"] = b"one\ntwo\n\n"
    spec = loop(ok("p", "{{ item.value }}"), values="kestra:///lines", outputs=OUTPUT)
    run_id = world.create(world.add_flow(flow(spec)))
    world.run()
    assert told(world, run_id, "p") == ["one", "two"]
    uri = outputs_of(world, run_id)["outputs"]
    assert uri.endswith("/outputs.ion")
    assert len(world.files[uri].splitlines()) == 2


def test_a_failed_iteration_stops_the_loop_unless_failures_are_kept() -> None:
    def body() -> tuple[Spec, ...]:
        bad = flowable("If", "if", condition="{{ item.value == 'b' }}", then=[fails("f")])
        return bad, ok("p", "{{ item.value }}")

    world, run_id = run(flow(loop(*body())))
    assert told(world, run_id, "p") == ["a"]
    assert world.execution(run_id).state == "FAILED"
    world, run_id = run(flow(loop(*body(), transmitFailed=False, outputs=OUTPUT), ok("after")))
    assert told(world, run_id, "p") == ["a", "a"]
    assert world.execution(run_id).state == "SUCCESS"
    assert [row["item"]["iteration"] for row in outputs_of(world, run_id)["outputs"]] == [0, 2]


def test_errors_run_in_the_iteration_that_failed_and_finally_once() -> None:
    bad = flowable("If", "if", condition="{{ item.value == 'b' }}", then=[fails("f")])
    more = {
        "errors": [ok("e", "{{ item.index }}{{ item.value }}")],
        "finally": [ok("end", "{{ outputs.loop.iterationCount }}")],
    }
    world, run_id = run(flow(loop(bad, transmitFailed=False, **more)))
    assert told(world, run_id, "e") == ["1b"]
    assert told(world, run_id, "end") == ["3"]


def test_a_loop_breaks_off_when_told_to() -> None:
    when = "{{ iteration.state == 'SUCCESS' and item.value == 'b' }}"
    world, run_id = run(flow(loop(ok("p", "{{ item.value }}"), breakWhen=when), ok("after")))
    assert told(world, run_id, "p") == ["a", "b"]
    assert world.execution(run_id).state == "SUCCESS"
    assert outputs_of(world, run_id)["terminatedIterations"] == 2


def test_iterations_run_side_by_side_as_far_as_the_limit_allows() -> None:
    for limit, seconds in ((1, 180), (2, 120), (0, 60)):
        world, run_id = run(flow(loop(waits("w", 60), concurrencyLimit=limit)))
        history = world.execution(run_id).history
        assert history.ended_at is not None
        assert (history.ended_at - history.started_at).total_seconds() == seconds


def test_a_restart_goes_on_with_the_iteration_that_failed() -> None:
    world, run_id = run(flow(loop(fails("f", times=1), ok("p", "{{ item.index }}"))))
    assert world.execution(run_id).state == "FAILED"
    for _ in range(3):
        if world.execution(run_id).state == "FAILED":
            world.do(run_id, RestartRequested())
            world.run()
    assert told(world, run_id, "p") == ["0", "1", "2"]
    assert world.execution(run_id).state == "SUCCESS"


def test_no_values_are_a_success_without_iterations() -> None:
    world, run_id = run(flow(loop(ok("p"), values=[])))
    assert world.execution(run_id).state == "SUCCESS"
    assert outputs_of(world, run_id)["iterationCount"] == 0


@pytest.mark.parametrize("kind", ["ForEach", "EachSequential", "EachParallel"])
def test_children_of_the_each_family_know_their_iteration(kind: str) -> None:
    name = "values" if kind == "ForEach" else "value"
    spec = flowable(kind, "each", ok("p", "{{ taskrun.iteration }}{{ taskrun.value }}"))
    world, run_id = run(flow({**spec, name: ["x", "y"]}))
    assert told(world, run_id, "p") == ["0x", "1y"]
