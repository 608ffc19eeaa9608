"""Subflow and ForEachItem."""

import json

import pytest

from mainstem.engine.decision import KillRequested
from mainstem.model.execution import CORRELATION_ID
from tests.engine.harness import World, children_of, states
from tests.engine.tasks import Spec, fails, flow, flowable, ok, registry, run, waits


def call(**more: object) -> Spec:
    return flowable("Subflow", "call", **{"namespace": "tests", "flowId": "child", **more})


def child(*tasks: Spec, **more: object) -> Spec:
    return flow(*(tasks or (ok("x"),)), flow_id="child", **more)


def test_a_subflow_gives_the_state_and_outputs_of_its_child() -> None:
    outputs = [{"id": "o", "type": "STRING", "value": "{{ outputs.x.value }}"}]
    world, run_id = run(
        flow(call(), ok("end", "{{ outputs.call.outputs.o }}")), None, child(outputs=outputs)
    )
    (made,) = children_of(world, run_id)
    given = world.runs(run_id)[0].outputs
    assert given == {"executionId": made.id, "state": "SUCCESS", "outputs": {"o": "x"}}
    assert world.live(run_id).outputs["end"] == {"value": "x"}
    assert made.trigger is not None
    assert made.trigger.id == "call"
    assert made.trigger.variables["flowId"] == "flow"


def test_inputs_are_rendered_in_the_parent() -> None:
    spec = call(inputs={"a": "{{ inputs.name }}", "b": ["{{ 1 }}"]})
    world, run_id = run(flow(spec), {"name": "n"}, child())
    (made,) = children_of(world, run_id)
    assert made.inputs == {"a": "n", "b": ["1"]}


def test_without_waiting_the_task_succeeds_when_the_child_exists() -> None:
    world, run_id = run(flow(call(wait=False)), None, child(fails("x")))
    (made,) = children_of(world, run_id)
    assert world.runs(run_id)[0].outputs == {"executionId": made.id}
    assert states(world, run_id) == {"call": "SUCCESS"}
    assert made.state == "FAILED"


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, "FAILED"),
        ({"transmitFailed": False}, "SUCCESS"),
        ({"allowFailure": True}, "WARNING"),
    ],
)
def test_a_failed_child(more: Spec, state: str) -> None:
    world, run_id = run(flow(call(**more)), None, child(fails("x")))
    assert states(world, run_id) == {"call": state}
    assert len(world.runs(run_id)[0].attempts) == 1


@pytest.mark.parametrize("target", [{"flowId": "absent"}, {"flowId": "{{ nothing }}"}])
def test_a_child_that_cannot_be_made_fails_the_task(target: Spec) -> None:
    world, run_id = run(flow(call(**target)))
    assert states(world, run_id) == {"call": "FAILED"}
    assert world.logs


def test_labels_of_a_child() -> None:
    spec = flow(call(labels={"own": "{{ inputs.l }}"}, inheritLabels=True), labels={"up": "1"})
    world, run_id = run(spec, {"l": "v"}, child(labels={"down": "2"}))
    (made,) = children_of(world, run_id)
    assert made.labels == {CORRELATION_ID: run_id, "down": "2", "up": "1", "own": "v"}
    world, run_id = run(flow(call(), labels={"up": "1"}), None, child())
    (made,) = children_of(world, run_id)
    assert made.labels == {CORRELATION_ID: run_id}


def test_the_deprecated_outputs_are_rendered_in_the_child() -> None:
    spec = call(outputs={"o": "{{ outputs.x.value }}"})
    world, run_id = run(flow(spec), None, child())
    assert world.live(run_id).outputs["call"]["outputs"] == {"o": "x"}  # type: ignore[index]
    world, run_id = run(flow(call(outputs={"o": "{{ outputs.gone.value }}"})), None, child())
    assert states(world, run_id) == {"call": "FAILED"}


def test_a_kill_reaches_children_and_theirs() -> None:
    world = World(registry())
    world.add_flow(flow(waits("w", 1000), flow_id="grandchild"))
    world.add_flow(child(flowable("Subflow", "c2", namespace="tests", flowId="grandchild")))
    run_id = world.create(world.add_flow(flow(call())))
    world.settle()
    world.do(run_id, KillRequested())
    world.run()
    assert [each.state for each in world.executions()] == ["KILLED"] * 3
    assert states(world, run_id) == {"call": "KILLED"}


def test_a_kill_reaches_children_that_nobody_waits_for() -> None:
    world = World(registry())
    world.add_flow(child(waits("w", 1000)))
    run_id = world.create(world.add_flow(flow(call(wait=False), waits("own", 500))))
    world.settle()
    assert states(world, run_id) == {"call": "SUCCESS", "own": "RUNNING"}
    world.do(run_id, KillRequested())
    world.run()
    assert [each.state for each in world.executions()] == ["KILLED", "KILLED"]
    assert states(world, run_id) == {"call": "SUCCESS", "own": "KILLED"}


@pytest.mark.parametrize("reload", [False, True])
def test_without_cascade_a_kill_leaves_children_going(reload: bool) -> None:
    world = World(registry())
    world.reload_always = reload
    world.add_flow(child(waits("w", 1000)))
    run_id = world.create(world.add_flow(flow(call(), ok("next"))))
    world.settle()
    world.do(run_id, KillRequested(cascade=False))
    world.settle()
    assert world.execution(run_id).state == "KILLED"
    assert states(world, run_id) == {"call": "KILLED"}
    world.run()
    assert [each.state for each in world.executions()] == ["KILLED", "SUCCESS"]
    assert states(world, run_id) == {"call": "KILLED"}


def each_item(**more: object) -> Spec:
    given = {"items": "{{ inputs.file }}", "namespace": "tests", "flowId": "child"}
    inputs = {"items": "{{ taskrun.items }}", "n": "{{ taskrun.iteration }}"}
    return flowable("ForEachItem", "each", **{**given, "inputs": inputs, **more})


def batches(spec: Spec, lines: int, other: Spec) -> tuple[World, str]:
    world = World(registry())
    uri = "kestra:///tests/file.txt"
    world.files[uri] = "".join(f"line {number}\n" for number in range(lines)).encode()
    world.add_flow(other)
    run_id = world.create(world.add_flow(flow(spec)), {"file": uri})
    world.run()
    return world, run_id


OUTPUT = [{"id": "o", "type": "STRING", "value": "{{ inputs.n }}"}]


def test_for_each_item_splits_runs_and_merges() -> None:
    spec = each_item(batch={"rows": 2})
    world, run_id = batches(spec, 5, child(outputs=OUTPUT))
    assert states(world, run_id) == dict.fromkeys(
        ("each", "each_split", "each_items", "each_merge"), "SUCCESS"
    )
    items = world.runs(run_id)[2]
    assert items.outputs is not None
    assert items.outputs["numberOfBatches"] == 3
    assert items.outputs["iterations"] == {"CREATED": 0, "RUNNING": 0, "SUCCESS": 3}
    assert len(items.attempts) == 1
    made = list(children_of(world, run_id))
    assert [each.inputs["n"] for each in made] == ["0", "1", "2"]
    assert world.files[str(made[2].inputs["items"])] == b"line 4\n"
    merged = world.runs(run_id)[3].outputs
    assert merged is not None
    lines = world.files[str(merged["subflowOutputs"])].splitlines()
    assert [json.loads(line) for line in lines] == [{"o": "0"}, {"o": "1"}, {"o": "2"}]


@pytest.mark.parametrize(
    ("batch", "sizes"),
    [
        ({"bytes": "14B"}, [2, 2, 1]),
        ({"bytes": "15B"}, [3, 2]),
        ({"partitions": 2}, [3, 2]),
        ({}, [1, 1, 1, 1, 1]),
        ({"rows": "{{ 4 }}"}, [4, 1]),
    ],
)
def test_batches_by_size(batch: Spec, sizes: list[int]) -> None:
    world, run_id = batches(each_item(batch=batch), 5, child())
    found = [
        len(world.files[str(made.inputs["items"])].splitlines())
        for made in children_of(world, run_id)
    ]
    assert found == sizes


def test_a_failed_batch_fails_the_items_and_nothing_is_merged() -> None:
    world, run_id = batches(each_item(batch={"rows": 2}), 4, child(fails("x")))
    assert states(world, run_id) == {
        "each": "FAILED", "each_split": "SUCCESS", "each_items": "FAILED"
    }  # fmt: skip
    items = world.runs(run_id)[2].outputs
    assert items is not None
    assert items["iterations"] == {"CREATED": 0, "RUNNING": 0, "FAILED": 2}


def test_a_missing_flow_fails_the_items() -> None:
    world, run_id = batches(each_item(flowId="absent"), 2, child())
    assert states(world, run_id)["each_items"] == "FAILED"


def test_an_empty_file_succeeds_without_children() -> None:
    world, run_id = batches(each_item(), 0, child())
    assert set(states(world, run_id).values()) == {"SUCCESS"}
    assert not list(children_of(world, run_id))
    assert world.runs(run_id)[3].outputs is None


def test_without_waiting_the_items_succeed_once_all_children_exist() -> None:
    world, run_id = batches(each_item(wait=False), 3, child(fails("x"), outputs=OUTPUT))
    assert set(states(world, run_id).values()) == {"SUCCESS"}
    assert len(list(children_of(world, run_id))) == 3


def test_for_each_item_inside_a_loop_finds_its_own_split() -> None:
    world = World(registry())
    for name, lines in (("a", 1), ("b", 3)):
        world.files[f"kestra:///{name}"] = b"x\n" * lines
    world.add_flow(child())
    spec = each_item(items="kestra:///{{ taskrun.value }}")
    loop = flowable("ForEach", "loop", spec, values=["a", "b"], concurrencyLimit=0)
    run_id = world.create(world.add_flow(flow(loop)))
    world.run()
    items = [made.outputs or {} for made in world.runs(run_id) if made.task_id == "each_items"]
    assert sorted(str(each["numberOfBatches"]) for each in items) == ["1", "3"]
    assert len(list(children_of(world, run_id))) == 4
