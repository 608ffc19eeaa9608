"""If, Switch, runIf, and what truth means."""

import pytest

from tests.engine.harness import states
from tests.engine.tasks import FLOW, fails, flow, flowable, ok, run


def _if(condition: str, **more: object) -> dict[str, object]:
    spec = {"id": "if", "type": f"{FLOW}If", "condition": condition, "then": [ok("yes")]}
    return {**spec, "else": [ok("no")], **more}


@pytest.mark.parametrize(
    ("condition", "branch"),
    [
        ("true", "yes"),
        ("{{ 1 }}", "yes"),
        ("anything", "yes"),
        ("false", "no"),
        ("0", "no"),
        ("-0", "no"),
        ("  ", "no"),
        ("{{ inputs.x ?? '' }}", "no"),
        ("{{ 2 > 1 }}", "yes"),
    ],
)
def test_if_takes_the_branch_of_its_condition(condition: str, branch: str) -> None:
    world, run_id = run(flow(_if(condition)))
    assert states(world, run_id) == {"if": "SUCCESS", branch: "SUCCESS"}
    assert world.runs(run_id)[0].outputs == {"evaluationResult": branch == "yes"}


def test_if_without_the_branch_succeeds_and_makes_nothing() -> None:
    world, run_id = run(flow(_if("false", **{"else": []})))
    assert states(world, run_id) == {"if": "SUCCESS"}


def test_a_condition_that_cannot_be_rendered_fails_the_if_with_one_attempt() -> None:
    world, run_id = run(flow(_if("{{ nothing }}"), errors=[ok("mend")]))
    assert states(world, run_id) == {"if": "FAILED", "mend": "SUCCESS"}
    (attempt,) = world.runs(run_id)[0].attempts
    assert attempt.history.current == "FAILED"
    message = world.logs[0].message
    assert message.startswith("Unable to resolve state from the Flowable task: ")
    assert "Unable to find `nothing`" in message


CASES = {"one": [ok("first")], "two": [ok("second")]}


@pytest.mark.parametrize(
    ("value", "task", "is_default"),
    [("one", "first", False), ("{{ 'two' }}", "second", False), ("three", "other", True)],
)
def test_switch_runs_the_case_of_its_value(value: str, task: str, is_default: bool) -> None:
    spec = flowable("Switch", "switch", value=value, cases=CASES, defaults=[ok("other")])
    world, run_id = run(flow(spec))
    assert states(world, run_id) == {"switch": "SUCCESS", task: "SUCCESS"}
    outputs = world.runs(run_id)[0].outputs
    assert outputs is not None
    assert outputs["defaults"] is is_default


def test_switch_without_a_match_or_defaults_fails() -> None:
    world, run_id = run(flow(flowable("Switch", "switch", value="x", cases=CASES), ok("after")))
    assert states(world, run_id) == {"switch": "FAILED"}


def test_run_if_skips_a_task_and_its_children_and_the_flow_succeeds() -> None:
    world, run_id = run(
        flow(
            ok("a", runIf="{{ false }}"),
            flowable("Sequential", "s", ok("inside"), runIf="0"),
            ok("b", runIf="{{ 1 == 1 }}"),
        )
    )
    assert states(world, run_id) == {"a": "SKIPPED", "s": "SKIPPED", "b": "SUCCESS"}
    assert world.execution(run_id).state == "SUCCESS"


def test_a_run_if_that_cannot_be_rendered_fails_the_task() -> None:
    world, run_id = run(flow(ok("a", runIf="{{ nothing }}"), ok("b")))
    assert states(world, run_id) == {"a": "FAILED"}


def test_allow_failure_and_allow_warning_soften_the_end_of_tasks_and_flowables() -> None:
    world, run_id = run(
        flow(
            fails("warned", allowFailure=True),
            fails("forgiven", allowFailure=True, allowWarning=True),
            flowable("Sequential", "s", fails("inner"), allowFailure=True),
            flowable("AllowFailure", "af", fails("deep"), errors=[ok("mend")]),
            ok("last"),
        )
    )
    assert states(world, run_id) == {
        "warned": "WARNING",
        "forgiven": "SUCCESS",
        "s": "WARNING",
        "inner": "FAILED",
        "af": "WARNING",
        "deep": "FAILED",
        "mend": "SUCCESS",
        "last": "SUCCESS",
    }
    assert world.execution(run_id).state == "WARNING"
