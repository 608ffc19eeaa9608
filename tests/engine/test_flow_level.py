"""Concurrency, promises, labels, variables, outputs, Exit and kills."""

from datetime import timedelta

import pytest

from mainstem.engine.concurrency import admit
from mainstem.engine.decision import (
    Begin,
    Enqueued,
    ForceRun,
    KillRequested,
    Rejected,
    SetLabels,
    Unqueued,
)
from mainstem.engine.templates import inline_templates
from mainstem.errors import InvalidInput
from mainstem.model.state import State
from mainstem.sdk.flow import Concurrency, Flow
from tests.engine.harness import World, moments, states
from tests.engine.tasks import (
    Spec,
    fails,
    flow,
    flowable,
    ok,
    registry,
    run,
    waits,
    wishes,
)


@pytest.mark.parametrize(
    ("behavior", "event"),
    [
        ("QUEUE", Enqueued(2)),
        ("CANCEL", Rejected(State.CANCELLED)),
        ("FAIL", Rejected(State.FAILED)),
    ],
)
def test_admission_by_the_limit(behavior: str, event: object) -> None:
    limit = Concurrency.model_validate({"limit": 2, "behavior": behavior})
    assert admit(limit, 1) == Begin()
    assert admit(limit, 2) == event
    assert admit(None, 99) == Begin()


def concurrent(behavior: str, count: int) -> tuple[World, list[str]]:
    world = World(registry())
    made = world.add_flow(flow(waits("w", 10), concurrency={"limit": 1, "behavior": behavior}))
    ids = []
    for _ in range(count):
        ids.append(world.create(made))
        world.settle()
    return world, ids


def test_queued_executions_run_in_order_as_places_get_free() -> None:
    world, ids = concurrent("QUEUE", 3)
    assert [world.execution(each).state for each in ids] == ["RUNNING", "QUEUED", "QUEUED"]
    world.run()
    assert [moments(world.execution(each)) for each in ids[1:]] == [
        ["CREATED", "QUEUED", "RUNNING", "SUCCESS"]
    ] * 2
    ends = [world.execution(each).history.ended_at for each in ids]
    assert ends == sorted(ends, key=str)


@pytest.mark.parametrize(("behavior", "state"), [("CANCEL", "CANCELLED"), ("FAIL", "FAILED")])
def test_a_rejected_execution_ends_without_task_runs(behavior: str, state: str) -> None:
    world, ids = concurrent(behavior, 2)
    assert world.execution(ids[1]).state == state
    assert not world.runs(ids[1])
    assert world.execution(ids[0]).state == "RUNNING"


def test_a_queued_execution_can_be_unqueued_forced_killed_or_ended() -> None:
    world, ids = concurrent("QUEUE", 5)
    world.do(ids[1], Unqueued())
    world.do(ids[2], ForceRun())
    world.do(ids[3], Unqueued(State.CANCELLED))
    world.do(ids[4], KillRequested())
    world.settle()
    found = [world.execution(each).state for each in ids]
    assert found == ["RUNNING", "RUNNING", "RUNNING", "CANCELLED", "KILLED"]
    with pytest.raises(InvalidInput, match="QUEUED"):
        world.do(ids[0], Unqueued())


def sla(behavior: str, **more: object) -> Spec:
    return {"id": "s", "behavior": behavior, "labels": {"sla": "broken"}, **more}


@pytest.mark.parametrize(("behavior", "state"), [("FAIL", "FAILED"), ("CANCEL", "CANCELLED")])
def test_an_execution_that_takes_too_long_is_ended(behavior: str, state: str) -> None:
    promise = sla(behavior, type="MAX_DURATION", duration="PT5S")
    world, run_id = run(flow(waits("w", 60), ok("never"), sla=[promise]))
    assert world.execution(run_id).state == state
    assert world.execution(run_id).labels["sla"] == "broken"
    assert states(world, run_id) == {"w": "KILLED"}
    ended = world.execution(run_id).history.ended_at
    assert ended is not None
    assert ended - world.execution(run_id).history.started_at == timedelta(seconds=5)


def test_a_promise_without_consequence_only_labels() -> None:
    promises = [
        sla("NONE", type="EXECUTION_ASSERTION", **{"assert": "{{ inputs.x == 1 }}"}),
        sla("NONE", type="MAX_DURATION", duration="PT5S"),
    ]
    world, run_id = run(flow(waits("w", 60), sla=promises), {"x": 2})
    assert world.execution(run_id).state == "SUCCESS"
    assert world.execution(run_id).labels["sla"] == "broken"


def test_the_first_false_assertion_ends_the_execution() -> None:
    promise = sla("CANCEL", type="EXECUTION_ASSERTION", **{"assert": "{{ inputs.x == 1 }}"})
    world, run_id = run(flow(waits("w"), sla=[promise]), {"x": 2})
    assert world.execution(run_id).state == "CANCELLED"
    assert states(world, run_id) == {}, "it is asked before anything begins"
    world, run_id = run(flow(waits("w"), sla=[promise]), {"x": 1})
    assert world.execution(run_id).state == "SUCCESS"


def test_what_an_assertion_ends_in_the_same_moment_is_handed_to_nobody() -> None:
    promise = sla(
        "FAIL", type="EXECUTION_ASSERTION", **{"assert": "{{ outputs.a is not defined }}"}
    )
    world = World(registry())
    world.keep_decisions = True
    run_id = world.create(world.add_flow(flow(ok("a"), ok("b"), sla=[promise])))
    world.run()
    assert world.execution(run_id).state == "FAILED"
    assert states(world, run_id) == {"a": "SUCCESS", "b": "KILLED"}
    submitted = [item.task_run.task_id for _, _, d in world.decisions for item in d.submit]
    assert submitted == ["a"]


def test_tasks_change_labels_and_variables_of_their_execution() -> None:
    world, run_id = run(
        flow(
            wishes("w", labels={"a.b": "1"}, variables={"x": 1, "y": 2}),
            ok("see", "{{ labels.a.b }} {{ x }}"),
            wishes("u", unset=["x"]),
            ok("gone", "{{ x ?? 'none' }} {{ y }}"),
        )
    )
    assert world.live(run_id).outputs["see"] == {"value": "1 1"}
    assert world.live(run_id).outputs["gone"] == {"value": "none 2"}
    assert world.execution(run_id).labels["a.b"] == "1"


def test_users_set_labels_but_no_empty_or_reserved_ones() -> None:
    world, run_id = run(flow(ok("a")))
    world.do(run_id, SetLabels({"k": "v"}))
    assert world.execution(run_id).labels["k"] == "v"
    for labels in ({"": "v"}, {"k": ""}, {"system.x": "v"}):
        with pytest.raises(InvalidInput):
            world.do(run_id, SetLabels(labels))


@pytest.mark.parametrize("state", [State.SUCCESS, State.WARNING, State.FAILED, State.CANCELLED])
def test_a_task_can_end_the_execution_and_what_runs_is_killed(state: State) -> None:
    spec = flowable("Parallel", "p", waits("slow"), wishes("exit", end=state.value))
    world, run_id = run(flow(spec, ok("never"), errors=[ok("e")]))
    assert world.execution(run_id).state == state
    assert states(world, run_id) == {"p": "KILLED", "slow": "KILLED", "exit": "SUCCESS"}


def test_outputs_of_a_flow_are_rendered_and_typed_at_its_end() -> None:
    outputs = [
        {"id": "text", "type": "STRING", "value": "{{ outputs.a.value }}!"},
        {"id": "map", "type": "JSON", "value": {"k": "{{ outputs.a }}"}},
    ]
    world, run_id = run(flow(ok("a"), outputs=outputs))
    assert world.execution(run_id).outputs == {"text": "a!", "map": {"k": {"value": "a"}}}


def test_outputs_that_cannot_be_rendered_fail_the_execution() -> None:
    outputs = [{"id": "o", "type": "STRING", "value": "{{ outputs.gone }}"}]
    world, run_id = run(flow(ok("a"), outputs=outputs))
    assert world.execution(run_id).state == "FAILED"
    assert world.execution(run_id).outputs is None
    assert world.logs[-1].message.startswith("Failed to render output values: ")


def test_a_kill_ends_running_waiting_and_new_task_runs() -> None:
    world = World(registry())
    again = {"type": "constant", "interval": "PT1H"}
    inner = flowable("Sequential", "s", waits("running"), ok("later"))
    spec = flowable(
        "Parallel", "p", inner, flowable("Pause", "paused"), fails("retrying", retry=again)
    )
    run_id = world.create(world.add_flow(flow(spec, **{"finally": [ok("f")]})))
    world.settle()
    world.do(run_id, KillRequested())
    assert world.execution(run_id).state == "KILLING"
    world.do(run_id, KillRequested())
    world.run()
    assert states(world, run_id) == dict.fromkeys(
        ("p", "s", "paused", "retrying", "running"), "KILLED"
    )
    assert moments(world.execution(run_id)) == ["CREATED", "RUNNING", "KILLING", "KILLED"]
    assert world.now == world.execution(run_id).history.started_at


def test_a_kill_of_what_ended_changes_nothing() -> None:
    world, run_id = run(flow(ok("a")))
    assert world.do(run_id, KillRequested()).is_empty


def test_an_execution_with_a_date_waits_for_it() -> None:
    world = World(registry())
    at = world.now + timedelta(hours=1)
    run_id = world.create(world.add_flow(flow(ok("a"))), schedule_at=at)
    world.settle()
    assert world.execution(run_id).state == "CREATED"
    world.run()
    assert world.execution(run_id).history.moments[1].at == at


def test_timeouts_fail_the_attempt() -> None:
    again = {"type": "constant", "interval": "PT1S", "maxAttempt": 2}
    world, run_id = run(flow(waits("w", 60, timeout="PT5S", retry=again)))
    assert states(world, run_id) == {"w": "FAILED"}
    assert len(world.runs(run_id)[0].attempts) == 2
    assert "Timeout" in world.logs[0].message


def templated(found: list[Spec] | None) -> Flow:
    known = registry()
    spec = flowable("Template", "t", namespace="tests", templateId="tpl", args={"a": "{{ 1 }}"})
    nested = flow(flowable("Sequential", "s", spec))
    parsed = Flow.model_validate(nested, context={"registry": known})
    holder = Flow.model_validate(flow(*(found or [ok("x")])), context={"registry": known})
    return inline_templates(parsed, lambda *_: holder.tasks if found else None)


def test_the_tasks_of_a_template_run_in_its_place() -> None:
    world = World(registry())
    text = "{{ parent.outputs.args.a }}"
    run_id = world.create(world.add_flow(templated([ok("x", text), ok("y")])))
    world.run()
    assert states(world, run_id) == dict.fromkeys(("s", "t", "x", "y"), "SUCCESS")
    assert world.live(run_id).outputs["x"] == {"value": "1"}


def test_a_missing_template_fails_with_its_name() -> None:
    world = World(registry())
    run_id = world.create(world.add_flow(templated(None)))
    world.run()
    assert states(world, run_id) == {"s": "FAILED", "t": "FAILED"}
    assert world.logs[0].message.endswith("Can't find flow template 'tests.tpl'")
