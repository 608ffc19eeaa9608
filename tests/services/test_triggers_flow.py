"""Flow triggers: executions started by those of other flows."""

from datetime import timedelta

import pytest

from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.model.trigger import Outcome
from mainstem.services.executions import NewRun
from tests.services.trigger_world import FAIL, FLOW, PAUSE, World

LISTENER = FlowId("company", "listener")
OTHER = FlowId("company", "other")
_CONDITION = "io.kestra.plugin.core.condition"


def listens(**properties: object) -> dict[str, object]:
    return {"id": "l", "type": "io.kestra.plugin.core.trigger.Flow", **properties}


def of_flow(flow: FlowId) -> dict[str, object]:
    return {
        "type": f"{_CONDITION}.ExecutionFlow",
        "namespace": flow.namespace,
        "flowId": flow.id,
    }


def run(world: World, flow: FlowId = FLOW, **labels: str) -> Execution:
    """Run a flow to its end."""
    made = world.app.executions.create(NewRun(flow, labels=labels))
    world.wait(lambda: world.app.executions.get(made.id).state.is_terminal)
    return world.app.executions.get(made.id)


def started(world: World) -> list[Execution]:
    """What the listener ran, ended."""
    found = world.executions(LISTENER)
    world.wait(lambda: all(item.state.is_terminal for item in world.executions(LISTENER)))
    return [world.app.executions.get(item.id) for item in found]


def test_an_ended_execution_starts_the_listener_once_with_its_variables(world: World) -> None:
    world.save()
    world.save(listens(), flow=LISTENER)
    upstream = run(world)
    (execution,) = started(world)
    assert execution.trigger
    assert execution.trigger.variables == {
        "executionId": upstream.id,
        "namespace": "company",
        "flowId": "taxi",
        "flowRevision": 1,
        "state": "SUCCESS",
    }
    (evaluation,) = world.app.triggers.evaluations(LISTENER, "l")
    assert (evaluation.outcome, evaluation.execution_id) == (Outcome.FIRED, execution.id)


def test_a_listener_never_reacts_to_itself(world: World) -> None:
    world.save(listens(), flow=LISTENER)
    run(world, LISTENER)
    assert len(started(world)) == 1


def test_inputs_and_labels_are_rendered_with_the_outputs_of_the_upstream(world: World) -> None:
    world.save(outputs=[{"id": "table", "type": "STRING", "value": "trips"}])
    world.save(
        listens(
            inputs={"task": "{{ outputs.out.value }}", "flow": "{{ trigger.outputs.table }}"},
            labels={"from": "{{ trigger.executionId }}"},
            conditions=[of_flow(FLOW)],
        ),
        flow=LISTENER,
        inputs=[{"id": "task", "type": "STRING"}, {"id": "flow", "type": "STRING"}],
    )
    upstream = run(world)
    (execution,) = started(world)
    assert execution.inputs == {"task": "done", "flow": "trips"}
    assert execution.labels["from"] == upstream.id


def test_inputs_that_cannot_be_rendered_start_nothing_and_say_why(world: World) -> None:
    world.save()
    world.save(
        listens(inputs={"task": "{{ outputs.nowhere }}"}),
        flow=LISTENER,
        inputs=[{"id": "task", "type": "STRING"}],
    )
    assert run(world).state is State.SUCCESS
    assert started(world) == []
    (evaluation,) = world.app.triggers.evaluations(LISTENER, "l")
    assert evaluation.outcome is Outcome.FAILED
    assert "nowhere" in evaluation.reason


@pytest.mark.parametrize(
    ("states", "count"), [(["RUNNING"], 1), (["FAILED"], 0), (["RUNNING", "SUCCESS"], 2)]
)
def test_each_change_into_one_of_the_states_is_seen_once(
    world: World, states: list[str], count: int
) -> None:
    world.save()
    world.save(listens(states=states), flow=LISTENER)
    run(world)
    assert len(started(world)) == count


def test_a_flow_that_pauses_twice_fires_twice(world: World) -> None:
    world.save(tasks=[PAUSE, {**PAUSE, "id": "again"}])
    world.save(listens(states=["PAUSED"]), flow=LISTENER)
    made = world.app.executions.create(NewRun(FLOW))
    for number in (1, 2):
        world.wait(lambda number=number: len(world.executions(LISTENER)) == number)
        world.wait(lambda: world.app.executions.get(made.id).state is State.PAUSED)
        world.app.executions.resume(made.id)
    world.wait(lambda: world.app.executions.get(made.id).state.is_terminal)
    assert len(started(world)) == 2


@pytest.mark.parametrize(
    ("condition", "fires"),
    [
        (of_flow(FLOW), True),
        (of_flow(OTHER), False),
        ({"type": f"{_CONDITION}.ExecutionStatus", "in": ["FAILED"]}, False),
        ({"type": f"{_CONDITION}.ExecutionLabels", "labels": {"team": "data"}}, True),
        ({"type": f"{_CONDITION}.Expression", "expression": "{{ labels.team == 'data' }}"}, True),
        ({"type": f"{_CONDITION}.Expression", "expression": "{{ nowhere }}"}, False),
        ({"type": f"{_CONDITION}.FlowCondition", "namespace": "company", "flowId": "taxi"}, False),
    ],
)
def test_all_conditions_must_hold(world: World, condition: dict[str, object], fires: bool) -> None:
    world.save(labels={"team": "data"})
    world.save(listens(conditions=[condition]), flow=LISTENER)
    run(world)
    assert len(started(world)) == int(fires)


def test_a_switched_off_listener_hears_nothing(world: World) -> None:
    world.save()
    world.save(listens(), flow=LISTENER)
    world.app.triggers.set_disabled(LISTENER, "l", True)
    run(world)
    assert started(world) == []


def both(**properties: object) -> dict[str, object]:
    """Waits for a success of each of two flows."""
    flows = [
        {"namespace": flow.namespace, "flowId": flow.id, "states": ["SUCCESS"]}
        for flow in (FLOW, OTHER)
    ]
    return listens(preconditions={"id": "both", "flows": flows, **properties})


def test_preconditions_fire_once_all_upstream_flows_succeeded(world: World) -> None:
    world.save()
    world.save(flow=OTHER)
    world.save(both(), flow=LISTENER)
    run(world)
    run(world)
    assert started(world) == []
    last = run(world, OTHER)
    (execution,) = started(world)
    assert execution.trigger
    assert execution.trigger.variables["executionId"] == last.id
    run(world, OTHER)
    assert len(started(world)) == 1


def test_without_reset_each_further_success_fires_again(world: World) -> None:
    world.save()
    world.save(flow=OTHER)
    world.save(both(resetOnSuccess=False), flow=LISTENER)
    run(world)
    run(world, OTHER)
    run(world, OTHER)
    assert len(started(world)) == 2


def test_a_failed_upstream_does_not_count(world: World) -> None:
    world.save(tasks=[FAIL])
    world.save(flow=OTHER)
    world.save(both(), flow=LISTENER)
    run(world)
    run(world, OTHER)
    assert started(world) == []


@pytest.mark.parametrize(
    ("window", "later", "fires"),
    [
        ({"type": "DURATION_WINDOW", "window": "PT1H"}, timedelta(minutes=30), True),
        ({"type": "DURATION_WINDOW", "window": "PT1H"}, timedelta(minutes=45), False),
        ({"type": "SLIDING_WINDOW", "window": "PT1H"}, timedelta(minutes=45), True),
        ({"type": "SLIDING_WINDOW", "window": "PT1H"}, timedelta(minutes=61), False),
        ({"type": "DAILY_TIME_DEADLINE", "deadline": "12:00:00"}, timedelta(hours=1), True),
        ({"type": "DAILY_TIME_DEADLINE", "deadline": "11:00:00"}, timedelta(hours=1), False),
        (
            {"type": "DAILY_TIME_WINDOW", "startTime": "11:00:00", "endTime": "13:00:00"},
            timedelta(hours=1),
            False,
        ),
    ],
)
def test_what_was_satisfied_counts_within_the_window_only(
    world: World, window: dict[str, object], later: timedelta, fires: bool
) -> None:
    world.save()
    world.save(flow=OTHER)
    world.save(both(timeWindow=window), flow=LISTENER)
    run(world)
    world.clock.advance(later)
    run(world, OTHER)
    assert len(started(world)) == int(fires)


def test_filters_may_look_at_the_labels_of_the_upstream(world: World) -> None:
    filters = [
        {"field": "NAMESPACE", "type": "STARTS_WITH", "value": "comp"},
        {"field": "EXPRESSION", "type": "IS_TRUE", "value": "{{ labels.some == 'label' }}"},
    ]
    world.save()
    preconditions = {"id": "p", "where": [{"id": "w", "filters": filters}]}
    world.save(listens(preconditions=preconditions), flow=LISTENER)
    run(world)
    assert started(world) == []
    run(world, some="label")
    assert len(started(world)) == 1


def test_a_multiple_condition_gathers_over_executions(world: World) -> None:
    world.save()
    world.save(flow=OTHER)
    condition = {
        "id": "multiple",
        "type": f"{_CONDITION}.MultipleCondition",
        "window": "P1D",
        "windowAdvance": "P0D",
        "conditions": {"a": of_flow(FLOW), "b": of_flow(OTHER)},
    }
    world.save(listens(conditions=[condition]), flow=LISTENER)
    run(world)
    assert started(world) == []
    run(world, OTHER)
    assert len(started(world)) == 1


def test_what_was_gathered_survives_a_restart(world: World) -> None:
    world.save()
    world.save(flow=OTHER)
    world.save(both(), flow=LISTENER)
    run(world)
    later = World(world.folder, now=world.clock.now())
    try:
        run(later, OTHER)
        assert len(started(later)) == 1
    finally:
        later.close()
