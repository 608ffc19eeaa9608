"""Events that repeat, come late or are lost; dynamic runs; variables; rebuilding from rows."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from mainstem.engine.advance import advance
from mainstem.engine.decision import Begin, Event, Finished, Lost, Started, TimerKind, TimerRang
from mainstem.engine.live import LiveExecution
from mainstem.model.execution import ExecutionTrigger
from mainstem.model.state import State
from tests.engine.harness import World, moments, states
from tests.engine.tasks import Reports, Spec, fails, flow, flowable, ok, registry, run, waits


def begun(*tasks: Spec) -> tuple[World, LiveExecution, str]:
    """An execution whose first task is submitted, and the id of that task run."""
    world = World(registry())
    live = world.live(world.create(world.add_flow(flow(*tasks))))
    advance(live, Begin(), world.environment())
    return world, live, next(iter(live.nodes))


def test_repeated_and_late_events_of_workers_change_nothing() -> None:
    world, live, run_id = begun(ok("a"), ok("b"))
    env = world.environment()
    done = Finished(run_id, 1, State.SUCCESS, world.now)
    for event, is_new in [
        (Started(run_id, 1, world.now), True),
        (Started(run_id, 1, world.now), False),
        (Finished(run_id, 2, State.SUCCESS, world.now), False),
        (done, True),
        (done, False),
        (Started(run_id, 2, world.now), False),
        (Lost(run_id, 1, world.now), False),
        (Begin(), False),
        (TimerRang(TimerKind.RETRY, run_id), False),
        (TimerRang(TimerKind.LOOP, run_id), False),
        (TimerRang(TimerKind.PAUSE_DELAY, run_id), False),
        (Finished("nobody", 1, State.SUCCESS, world.now), False),
    ]:
        decision = advance(live, event, env)
        assert decision.is_empty is not is_new, event
    assert [node.run.task_id for node in live.nodes.values()] == ["a", "b"]


def test_a_result_without_its_start_makes_the_attempt_whole() -> None:
    world, live, run_id = begun(ok("a"))
    done = Finished(run_id, 1, State.SUCCESS, world.now, started_at=world.now)
    advance(live, done, world.environment())
    assert moments(live.nodes[run_id].run) == ["CREATED", "RUNNING", "SUCCESS"]
    assert live.execution.state == "SUCCESS"


def test_a_lost_attempt_is_recorded_and_made_again_and_its_late_result_refused() -> None:
    world, live, run_id = begun(ok("a"))
    env = world.environment()
    advance(live, Started(run_id, 1, world.now), env)
    decision = advance(live, Lost(run_id, 1, world.now), env)
    assert [each.attempt for each in decision.submit] == [2]
    assert advance(live, Finished(run_id, 1, State.SUCCESS, world.now), env).is_empty
    advance(live, Finished(run_id, 2, State.SUCCESS, world.now), env)
    made = live.nodes[run_id].run
    assert [each.history.current for each in made.attempts] == ["KILLED", "SUCCESS"]


def test_an_attempt_that_is_lost_too_often_fails_for_good() -> None:
    world, live, run_id = begun(fails("a", retry={"type": "constant", "interval": "PT1S"}))
    env = replace(world.environment(), lost_attempts=2)
    for attempt in (1, 2, 3):
        advance(live, Lost(run_id, attempt, world.now), env)
    assert live.nodes[run_id].state in (State.FAILED, State.RETRYING)
    assert sum(1 for each in live.nodes[run_id].run.attempts) == 3


def test_dynamic_runs_lie_under_their_task_and_show_their_outputs() -> None:
    spec = {"id": "r", "type": Reports.TYPE, "states": ["SUCCESS", "FAILED"]}
    world, run_id = run(flow(spec, ok("end", "{{ outputs['r-0'].number }}")))
    runs = world.runs(run_id)
    assert [made.task_id for made in runs] == ["r", "r-0", "r-1", "end"]
    assert [made.parent_id for made in runs[1:3]] == [runs[0].id] * 2
    assert all(made.dynamic for made in runs[1:3])
    assert world.execution(run_id).state == "SUCCESS"
    assert world.live(run_id).outputs["end"] == {"value": "0"}


def test_the_variables_of_a_task_run() -> None:
    world = World(registry())
    made = world.add_flow(
        flow(
            flowable("ForEach", "each", ok("x"), values=["v"]),
            variables={"a": "{{ raw }}"},
            inputs=[{"id": "n.d", "type": "STRING", "defaults": "dd"}],
        )
    )
    trigger = ExecutionTrigger("t", "test.Trigger", {"date": "today"})
    run_id = world.create(made, {"i": 1}, trigger=trigger, variables={"schedule": {"s": 1}})
    world.run()
    child = world.runs(run_id)[1]
    variables = world.live(run_id).variables_for(child.id)
    assert variables["flow"] == {"id": "flow", "namespace": "tests", "revision": 1}
    assert variables["task"] == {"id": "x", "type": "test.Say"}
    taskrun = variables["taskrun"]
    assert isinstance(taskrun, dict)
    assert taskrun["value"] == "v"
    assert taskrun["parentId"] == world.runs(run_id)[0].id
    assert "parent" not in variables
    assert variables["inputs"] == {"i": 1, "n": {"d": "dd"}}
    assert variables["vars"] == {"a": "{{ raw }}"}
    assert variables["trigger"] == {"date": "today"}
    assert variables["schedule"] == {"s": 1}
    assert "workerTaskrun" not in variables
    assert "absent" not in variables
    assert set(variables) >= {"flow", "execution", "task", "taskrun", "outputs", "labels"}


def test_detached_variables_leave_the_index_alone() -> None:
    world, live, run_id = begun(ok("a"), ok("b"))
    variables = live.variables_for(run_id, detached=True)
    assert variables["tasks"] == {"a": {"state": "CREATED"}}
    outputs = variables["outputs"]
    done = Finished(run_id, 1, State.SUCCESS, world.now, {"value": 1})
    advance(live, done, world.environment())
    assert outputs == {}
    assert live.variables_for(detached=True)["outputs"] == {"a": {"value": 1}}
    assert live.tasks == {"a": {"state": "SUCCESS"}, "b": {"state": "CREATED"}}


def test_without_any_inputs_there_is_no_variable_of_that_name() -> None:
    world, run_id = run(flow(ok("a", "{{ inputs.x }}")))
    assert states(world, run_id) == {"a": "FAILED"}
    assert "Unable to find `inputs`" in world.logs[0].message


SHAPES: dict[str, Callable[[], Spec]] = {
    "lists": lambda: flow(ok("a"), flowable("Sequential", "s", ok("b"), fails("c"), ok("d"))),
    "branches": lambda: flow(
        flowable("Parallel", "p", fails("a"), waits("b", 3), errors=[ok("e1"), ok("e2")]),
        errors=[ok("e")],
        afterExecution=[ok("x"), ok("y")],
        **{"finally": [ok("f"), ok("g")]},
    ),
    "loops": lambda: flow(
        flowable(
            "ForEach",
            "o",
            flowable("EachParallel", "i", ok("x"), waits("y", 2), value=["1", "2"], concurrent=3),
            ok("z"),
            values=["a", "b", "c"],
            concurrencyLimit=2,
        )
    ),
    "dag": lambda: flow(
        flowable(
            "Dag",
            "dag",
            tasks=[
                {"task": waits("a", 3)},
                {"task": ok("b"), "dependsOn": ["a", "c"]},
                {"task": ok("c")},
                {"task": ok("d"), "dependsOn": ["b"]},
            ],
        )
    ),
    "until": lambda: flow(
        flowable(
            "LoopUntil",
            "l",
            ok("n", "{{ outputs.l.iterationCount }}"),
            ok("m"),
            condition="{{ outputs.n.value == '3' }}",
        ),
        flowable("Pause", "p", ok("i"), delay="PT5S"),
    ),
    "empty passes": lambda: flow(
        flowable(
            "LoopUntil",
            "l",
            ok("n", disabled=True),
            condition="false",
            checkFrequency={"maxIterations": 2},
        ),
    ),
    "retries": lambda: flow(
        flowable("Parallel", "p", fails("a", times=1), waits("b", 3)),
        fails("w", times=2, allowFailure=True),
        retry={"type": "constant", "interval": "PT2S", "maxAttempt": 2},
    ),
    "choices": lambda: flow(
        {"id": "if", "type": "io.kestra.plugin.core.flow.If", "condition": "1", "then": [ok("t")]},
        flowable("Switch", "s", value="x", cases={"x": [ok("c1"), ok("c2")]}),
        flowable("AllowFailure", "af", fails("bad"), errors=[ok("mend")]),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_an_index_rebuilt_after_every_event_decides_the_same(shape: str) -> None:
    kept, thrown_away = World(registry()), World(registry())
    thrown_away.reload_always = True
    found = []
    for world in (kept, thrown_away):
        run_id = world.create(world.add_flow(SHAPES[shape]()))
        world.run()
        assert world.execution(run_id).state.is_terminal
        found.append([replace(made) for made in world.runs(run_id)])
    assert found[0] == found[1]
    assert kept.now == thrown_away.now


def test_the_engine_gives_the_same_answers_to_the_same_events() -> None:
    logs: list[list[tuple[str, Event]]] = []
    for _ in range(2):
        world = World(registry())
        world.keep_decisions = True
        run_id = world.create(world.add_flow(SHAPES["loops"]()))
        world.run()
        logs.append([(each[0], each[2]) for each in world.decisions])  # type: ignore[misc]
        assert world.execution(run_id).state == "SUCCESS"
    assert logs[0] == logs[1]
