"""What a test of a flow sees, and how it is judged."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from mainstem.flowtests.cases import Verdict
from mainstem.flowtests.operators import holds
from mainstem.model.state import State
from tests.flowtests.conftest import Cases

GREET = """
id: greet
namespace: demo.tests
inputs:
  - {id: name, type: STRING, defaults: World}
tasks:
  - id: fetch
    type: io.kestra.plugin.core.execution.Fail
  - id: greeting
    type: io.kestra.plugin.core.debug.Return
    format: "Hello {{ inputs.name }} {{ outputs.fetch.value }}"
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "said {{ outputs.greeting.value }}"
"""


def suite(body: str, flow: str = "greet") -> str:
    return f"id: suite\nnamespace: demo.tests\nflowId: {flow}\ntestCases:\n{body}"


CASE = "  - id: one\n    type: io.kestra.core.tests.flow.UnitTest\n"
MOCKED = CASE + "    fixtures:\n      tasks:\n        - {id: fetch, outputs: {value: mocked}}\n"


def asserts(*lines: str) -> str:
    return "    assertions:\n" + "".join(f"      - {line}\n" for line in lines)


def test_a_mocked_task_gives_its_fixture_and_is_not_run(run: Cases) -> None:
    found = run(
        suite(
            MOCKED + asserts('{value: "{{ outputs.greeting.value }}", equalTo: Hello World mocked}')
        ),
        GREET,
    )
    assert found["one"].verdict is Verdict.SUCCESS
    assert found["one"].execution is not None
    assert found["one"].execution.state is State.SUCCESS


def test_an_assertion_that_does_not_hold_fails_with_both_values_at_its_place(
    problems: Callable[..., list[str]],
) -> None:
    body = MOCKED + asserts('{value: "{{ outputs.greeting.value }}", equalTo: something else}')
    assert problems(suite(body), GREET) == [
        'a.test.yaml:11:58: test `one`: expected equalTo "something else", but the value is '
        '"Hello World mocked"'
    ]


def test_an_unmocked_task_runs_for_real_and_its_failure_fails_the_case(run: Cases) -> None:
    result = run(
        suite(CASE + asserts('{value: "{{ tasks.fetch.state }}", equalTo: FAILED}')), GREET
    )
    assert result["one"].verdict is Verdict.FAILED
    assert "ended FAILED" in result["one"].errors[0]


def test_a_failure_that_is_expected_passes(run: Cases) -> None:
    body = (
        CASE
        + "    expectedState: FAILED\n"
        + asserts('{value: "{{ outputs.greeting }}", isNull: true}')
    )
    assert run(suite(body), GREET)["one"].verdict is Verdict.SUCCESS


def test_a_mocked_failure_runs_the_errors_branch(run: Cases) -> None:
    flow = (
        GREET
        + """
errors:
  - {id: alert, type: io.kestra.plugin.core.debug.Return, format: "alerted"}
"""
    )
    body = (
        CASE
        + "    expectedState: FAILED\n"
        + "    fixtures: {tasks: [{id: fetch, state: FAILED}]}\n"
        + asserts('{value: "{{ outputs.alert.value }}", equalTo: alerted}')
    )
    assert run(suite(body), flow)["one"].verdict is Verdict.SUCCESS


def test_logs_of_the_run_can_be_asserted(run: Cases) -> None:
    body = MOCKED + asserts(
        '{value: "{{ logs }}", contains: said Hello World mocked}',
        '{value: "{{ logs | length }}", taskId: say, equalTo: 1}',
    )
    assert run(suite(body), GREET)["one"].verdict is Verdict.SUCCESS


def test_an_iteration_is_mocked_by_its_value_and_the_others_run(run: Cases) -> None:
    flow = """
id: loop
namespace: demo.tests
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [x, y]
    tasks:
      - {id: r, type: io.kestra.plugin.core.debug.Return, format: "real {{ taskrun.value }}"}
"""
    body = (
        CASE
        + "    fixtures: {tasks: [{id: r, value: y, outputs: {value: mock}}]}\n"
        + asserts(
            "{value: \"{{ outputs.r.x.value ~ ' ' ~ outputs.r.y.value }}\", equalTo: real x mock}"
        )
    )
    assert run(suite(body, "loop"), flow)["one"].verdict is Verdict.SUCCESS


def test_flowables_and_subflows_can_be_mocked_as_a_whole(run: Cases) -> None:
    flow = """
id: parent
namespace: demo.tests
tasks:
  - id: group
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - {id: inner, type: io.kestra.plugin.core.execution.Fail}
  - {id: child, type: io.kestra.plugin.core.flow.Subflow, namespace: demo.tests, flowId: missing}
  - {id: last, type: io.kestra.plugin.core.debug.Return, format: "{{ outputs.child.outputs.n }}"}
"""
    body = (
        CASE
        + "    fixtures: {tasks: [{id: group}, {id: child, outputs: {outputs: {n: 3}}}]}\n"
        + asserts(
            '{value: "{{ outputs.last.value }}", equalTo: 3}',
            '{value: "{{ tasks.inner }}", isNull: true}',
        )
    )
    assert run(suite(body, "parent"), flow)["one"].verdict is Verdict.SUCCESS


def test_a_subflow_of_the_same_commit_runs(run: Cases) -> None:
    parent = """
id: parent
namespace: demo.tests
tasks:
  - {id: child, type: io.kestra.plugin.core.flow.Subflow, namespace: demo.tests, flowId: child}
"""
    child = """
id: child
namespace: demo.tests
tasks:
  - {id: r, type: io.kestra.plugin.core.debug.Return, format: "42"}
outputs:
  - {id: answer, type: INT, value: "{{ outputs.r.value }}"}
"""
    body = CASE + asserts('{value: "{{ outputs.child.outputs.answer }}", greaterThan: 41}')
    assert run(suite(body, "parent"), parent, child)["one"].verdict is Verdict.SUCCESS


def test_hours_of_waiting_take_no_time(run: Cases) -> None:
    flow = """
id: slow
namespace: demo.tests
tasks:
  - {id: wait, type: io.kestra.plugin.core.flow.Pause, delay: PT8H}
  - id: flaky
    type: io.kestra.plugin.core.execution.Fail
    retry: {type: constant, interval: PT2H, maxAttempt: 3}
"""
    body = (
        CASE
        + "    expectedState: FAILED\n"
        + asserts('{value: "{{ tasks.wait.state }}", equalTo: SUCCESS}')
    )
    result = run(suite(body, "slow"), flow)["one"]
    assert result.verdict is Verdict.SUCCESS
    assert result.seconds < 5
    assert result.execution is not None
    history = result.execution.history
    assert history.ended_at is not None
    assert history.ended_at - history.started_at >= timedelta(hours=12)


def test_a_pause_that_nothing_ends_is_told(run: Cases) -> None:
    flow = "id: stuck\nnamespace: demo.tests\ntasks:\n  - {id: wait, type: core.flow.Pause}\n"
    body = CASE + asserts('{value: "{{ tasks.wait.state }}", equalTo: PAUSED}')
    result = run(suite(body, "stuck"), flow)["one"]
    assert "PAUSED and nothing" in result.errors[0]
    meant = (
        CASE
        + "    expectedState: PAUSED\n"
        + asserts('{value: "{{ tasks.wait.state }}", equalTo: PAUSED}')
    )
    assert run(suite(meant, "stuck"), flow)["one"].verdict is Verdict.SUCCESS


def test_a_case_that_takes_too_long_is_ended(run: Cases) -> None:
    flow = """
id: sleepy
namespace: demo.tests
tasks:
  - {id: nap, type: io.kestra.plugin.core.flow.Sleep, duration: PT30S}
"""
    body = CASE + asserts('{value: "{{ tasks.nap.state }}", equalTo: SUCCESS}')
    result = run(suite(body, "sleepy"), flow, seconds=0.3)["one"]
    assert result.verdict is Verdict.FAILED
    assert "longer than 0.3 seconds" in result.errors[0]
    assert result.seconds < 10


def test_a_case_sees_only_its_own_keys_secrets_and_files(
    run: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "real")
    flow = """
id: reads
namespace: demo.tests
inputs:
  - {id: upload, type: FILE}
tasks:
  - id: r
    type: io.kestra.plugin.core.debug.Return
    format: "{{ kv('k') }} {{ read(inputs.upload) }} {{ secret('TOKEN') }}"
"""
    fixtures = (
        "    fixtures:\n      kv: {k: 12}\n      secrets: {TOKEN: given}\n"
        "      files: {a.txt: content}\n"
        "      inputs: {upload: \"{{ files['a.txt'] }}\"}\n"
    )
    body = CASE + fixtures + asserts('{value: "{{ outputs.r.value }}", equalTo: 12 content given}')
    assert run(suite(body, "reads"), flow)["one"].verdict is Verdict.SUCCESS
    without = body.replace("      secrets: {TOKEN: given}\n", "")
    result = run(suite(without, "reads"), flow)["one"]
    assert result.verdict is Verdict.FAILED
    assert "real" not in str(result)


def test_a_trigger_fixture_shows_its_variables(run: Cases) -> None:
    flow = """
id: fired
namespace: demo.tests
tasks:
  - {id: r, type: io.kestra.plugin.core.debug.Return, format: "{{ trigger.date }}"}
"""
    fixture = (
        "    fixtures:\n      trigger: {id: daily, type: core.trigger.Schedule, "
        "variables: {date: '2024-05-01'}}\n"
    )
    body = CASE + fixture + asserts('{value: "{{ outputs.r.value }}", startsWith: "2024"}')
    assert run(suite(body, "fired"), flow)["one"].verdict is Verdict.SUCCESS


def test_a_disabled_case_is_skipped(run: Cases) -> None:
    body = CASE + "    disabled: true\n" + asserts("{value: x, equalTo: y}")
    assert run(suite(body), GREET)["one"].verdict is Verdict.SKIPPED


def test_an_own_message_replaces_ours(run: Cases) -> None:
    body = MOCKED + asserts('{value: a, equalTo: b, errorMessage: "wanted {{ inputs.name }}"}')
    assert run(suite(body), GREET)["one"].assertions[0].message == "wanted World"


@pytest.mark.parametrize(
    ("operator", "actual", "expected", "result"),
    [
        ("equalTo", "200", 200, True),
        ("equalTo", 200, "200", True),
        ("equalTo", True, 1, False),
        ("equalTo", {"a": 1}, '{"a": 1}', True),
        ("notEqualTo", "a", "b", True),
        ("contains", ["a", "b"], "b", True),
        ("contains", "abc", "d", False),
        ("greaterThan", "10", 9, True),
        ("lessThanOrEqualTo", 9, 9, True),
        ("in", 2, [1, 2], True),
        ("in", "b", '["a"]', False),
        ("notIn", "b", ["a"], True),
        ("endsWith", "a.csv", ".csv", True),
        ("isNull", None, True, True),
        ("isNull", "x", False, True),
        ("isNotNull", "", True, True),
    ],
)
def test_operators(operator: str, actual: object, expected: object, result: bool) -> None:
    assert holds(operator, actual, expected) is result
