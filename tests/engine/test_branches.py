"""errors, finally, afterExecution and listeners: when they run and what they change."""

from mainstem.sdk.condition import Condition, ConditionContext
from tests.engine.harness import World, moments, states
from tests.engine.tasks import Spec, fails, flow, flowable, ok, registry, run, waits


def test_finally_runs_after_success_and_before_the_end() -> None:
    world, run_id = run(flow(ok("a"), **{"finally": [ok("f1"), ok("f2")]}))
    assert [made.task_id for made in world.runs(run_id)] == ["a", "f1", "f2"]
    assert moments(world.execution(run_id)) == ["CREATED", "RUNNING", "SUCCESS"]


def test_finally_runs_after_errors_and_the_failure_stays() -> None:
    spec = flow(fails("a"), ok("b"), errors=[ok("e")], **{"finally": [ok("f")]})
    world, run_id = run(spec)
    assert [made.task_id for made in world.runs(run_id)] == ["a", "e", "f"]
    assert world.execution(run_id).state == "FAILED"


def test_finally_runs_on_flowables_and_even_when_the_errors_fail() -> None:
    spec = flowable("Sequential", "s", fails("a"), errors=[fails("e"), ok("never")])
    world, run_id = run(flow({**spec, "finally": [ok("f")]}))
    expected = {"s": "FAILED", "a": "FAILED", "e": "FAILED", "f": "SUCCESS"}
    assert states(world, run_id) == expected


def test_a_failing_finally_fails_what_would_have_succeeded() -> None:
    world, run_id = run(flow(ok("a"), **{"finally": [fails("f"), ok("never")]}))
    assert states(world, run_id) == {"a": "SUCCESS", "f": "FAILED"}
    assert world.execution(run_id).state == "FAILED"


def test_finally_waits_for_running_siblings() -> None:
    spec = flowable("Parallel", "p", waits("slow", 30), fails("bad"))
    world, run_id = run(flow({**spec, "finally": [ok("f")]}))
    runs = {made.task_id: made for made in world.runs(run_id)}
    assert runs["f"].history.started_at >= runs["slow"].history.moments[-1].at


def test_after_execution_runs_once_the_end_is_reached_and_does_not_change_it() -> None:
    text = "{{ execution.state }}"
    world, run_id = run(flow(ok("a"), afterExecution=[ok("x", text), fails("y"), ok("never")]))
    assert states(world, run_id) == {"a": "SUCCESS", "x": "SUCCESS", "y": "FAILED"}
    assert world.live(run_id).outputs["x"] == {"value": "SUCCESS"}
    assert world.execution(run_id).state == "SUCCESS"
    assert run_id in world.closed


def test_the_end_is_announced_before_after_execution_and_the_closing_after_it() -> None:
    world = World(registry())
    world.keep_decisions = True
    run_id = world.create(world.add_flow(flow(ok("a"), afterExecution=[waits("x", 5)])))
    world.run()
    marks = [(d.ended, d.closed) for _, _, d in world.decisions if d.ended or d.closed]
    assert marks == [(True, False), (False, True)]
    assert world.execution(run_id).state == "SUCCESS"


class EndedAs(Condition):
    """Holds for one end state."""

    TYPE = "test.EndedAs"

    state: str

    def test(self, ctx: ConditionContext) -> bool:
        assert ctx.execution is not None
        return ctx.execution.state.value == self.state


def _listener(state: str, *tasks: Spec) -> Spec:
    return {"conditions": [{"type": EndedAs.TYPE, "state": state}], "tasks": list(tasks)}


def test_listeners_whose_conditions_hold_run_and_a_failing_one_stops_no_other() -> None:
    known = registry()
    known.register(EndedAs)
    world = World(known)
    listeners = [
        _listener("SUCCESS", fails("l1"), ok("never")),
        _listener("FAILED", ok("no")),
        _listener("SUCCESS", ok("l2")),
    ]
    run_id = world.create(world.add_flow(flow(ok("a"), listeners=listeners)))
    world.run()
    assert states(world, run_id) == {"a": "SUCCESS", "l1": "FAILED", "l2": "SUCCESS"}
    assert world.execution(run_id).state == "SUCCESS"


def test_disabled_errors_are_as_if_absent() -> None:
    world, run_id = run(flow(fails("a"), errors=[ok("e", disabled=True)]))
    assert states(world, run_id) == {"a": "FAILED"}
