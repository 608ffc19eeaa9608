"""The Each family: values, limits, nesting, and how outputs are addressed."""

import pytest

from tests.engine.harness import states
from tests.engine.tasks import Spec, fails, flow, flowable, ok, run, waits


def each(*tasks: Spec, values: object = ("a", "b"), task_id: str = "each", **more: object) -> Spec:
    given = list(values) if isinstance(values, tuple) else values
    return flowable("ForEach", task_id, *tasks, values=given, **more)


def values_of(given: object, inputs: dict[str, object] | None = None) -> list[str | None]:
    world, run_id = run(flow(each(ok("child"), values=given)), inputs)
    assert world.execution(run_id).state == "SUCCESS", [line.message for line in world.logs]
    return [made.value for made in world.runs(run_id) if made.task_id == "child"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ('["x", "y"]', ["x", "y"]),
        ("{{ inputs.list | toJson }}", ["p", "q"]),
        (["{{ inputs.name }}", "z", 3], ["n", "z", "3"]),
        (["same", "same", "{{ 'same' }}"], ["same"]),
        ('[{"a": 1}, [2, 3], true, 1.5]', ['{"a":1}', "[2,3]", "true", "1.5"]),
        ([{"k": "{{ inputs.name }}"}], ['{"k":"n"}']),
        ("[]", []),
    ],
)
def test_values_of_a_loop(given: object, expected: list[str]) -> None:
    assert values_of(given, {"list": ["p", "q"], "name": "n"}) == expected


@pytest.mark.parametrize("given", ['{"no": "list"}', "no json", '["a", null]', [True], [[1]]])
def test_values_that_are_no_list_fail_the_loop(given: object) -> None:
    world, run_id = run(flow(each(ok("child"), values=given)))
    assert states(world, run_id) == {"each": "FAILED"}


def test_null_values_are_counted_in_the_message() -> None:
    world, _ = run(flow(each(ok("child"), values='["a", null]')))
    assert "Found '1' null values on Each, with values=[a, null]" in world.logs[0].message


def test_a_loop_runs_value_after_value_and_within_a_value_task_after_task() -> None:
    world, run_id = run(flow(each(ok("x"), ok("y"))))
    order = [(made.task_id, made.value) for made in world.runs(run_id)]
    assert order == [("each", None), ("x", "a"), ("y", "a"), ("x", "b"), ("y", "b")]


@pytest.mark.parametrize(("limit", "at_once"), [(1, 1), (2, 2), (0, 5)])
def test_for_each_keeps_to_its_limit_of_values(limit: int, at_once: int) -> None:
    spec = each(waits("x", 10), values=("1", "2", "3", "4", "5"), concurrencyLimit=limit)
    world, run_id = run(flow(spec))
    starts = [made.attempts[0].history.started_at for made in world.runs(run_id)[1:]]
    assert max(starts.count(start) for start in starts) == at_once


def test_each_parallel_starts_every_task_of_every_value_at_once() -> None:
    spec = flowable("EachParallel", "each", waits("x", 10), waits("y", 10), value=["1", "2"])
    world, run_id = run(flow(spec))
    starts = {made.attempts[0].history.started_at for made in world.runs(run_id)[1:]}
    assert len(starts) == 1
    assert len(world.runs(run_id)) == 5


def test_a_failed_value_keeps_later_values_from_starting_and_then_errors_run() -> None:
    spec = each(fails("x"), ok("y"), errors=[ok("mend")])
    world, run_id = run(flow(spec, ok("after")))
    assert states(world, run_id) == {"each": "FAILED", "x[a]": "FAILED", "mend": "SUCCESS"}


def test_outputs_nest_by_the_values_of_every_loop_around() -> None:
    inner = each(ok("deep", "{{ taskrun.value }}"), values=("1", "2"), task_id="inner")
    listed = flowable("Sequential", "seq", inner, ok("flat", "{{ parent.taskrun.value }}"))
    world, run_id = run(flow(each(listed), ok("end", "{{ outputs.deep.a['2'].value }}")))
    outputs = world.live(run_id).outputs
    assert outputs["deep"] == {
        "a": {"1": {"value": "1"}, "2": {"value": "2"}},
        "b": {"1": {"value": "1"}, "2": {"value": "2"}},
    }
    assert outputs["flat"] == {"a": {"value": "a"}, "b": {"value": "b"}}
    assert outputs["end"] == {"value": "2"}


def test_only_direct_children_of_a_loop_carry_the_value() -> None:
    listed = flowable("Sequential", "seq", ok("x", "{{ taskrun.value ?? 'none' }}"))
    world, run_id = run(flow(each(listed)))
    assert world.live(run_id).outputs["x"] == {"a": {"value": "none"}, "b": {"value": "none"}}


def test_parents_are_nearest_first_and_current_each_output_finds_the_sibling() -> None:
    text = "{{ parents[0].taskrun.value }}-{{ currentEachOutput(outputs.deep).value }}"
    inner = each(ok("deep", "{{ taskrun.value }}!"), ok("use", text), values=("1",), task_id="in")
    world, run_id = run(flow(each(inner)))
    use = world.live(run_id).outputs["use"]
    assert use == {"a": {"1": {"value": "a-1!"}}, "b": {"1": {"value": "b-1!"}}}


def test_the_tasks_variable_shows_states_by_id_and_value() -> None:
    world, run_id = run(
        flow(each(ok("x")), ok("end", "{{ tasks.x.b.state }} {{ tasks.each.state }}"))
    )
    assert world.live(run_id).outputs["end"] == {"value": "SUCCESS SUCCESS"}
