"""Faults of a test file itself, each at its place."""

from collections.abc import Callable

FLOW = """
id: greet
namespace: demo.tests
inputs:
  - {id: name, type: STRING, defaults: World}
tasks:
  - {id: hello, type: io.kestra.plugin.core.log.Log, message: hi}
"""
GOOD = """id: suite
namespace: demo.tests
flowId: greet
testCases:
  - id: one
    type: io.kestra.core.tests.flow.UnitTest
    fixtures:
      inputs: {name: x}
      tasks:
        - id: hello
    assertions:
      - value: a
        equalTo: a
"""

Problems = Callable[..., list[str]]


def test_a_good_file_has_no_problems(problems: Problems) -> None:
    assert problems(GOOD, FLOW) == []


def test_both_spellings_of_equality_are_taken(problems: Problems) -> None:
    assert problems(GOOD.replace("equalTo", "equalsTo"), FLOW) == []
    assert problems(GOOD.replace("equalTo: a", "notEqualsTo: b"), FLOW) == []


def test_every_problem_is_told_in_one_pass(problems: Problems) -> None:
    text = GOOD.replace("flowId: greet\n", "").replace("equalTo: a", "equalTwo: a")
    told = problems(text, FLOW)
    assert any("flowId" in line for line in told)
    assert any("a.test.yaml:12:9" in line and "equalTwo" in line for line in told)


def test_an_assertion_needs_an_operator(problems: Problems) -> None:
    (told,) = problems(GOOD.replace("        equalTo: a\n", ""), FLOW)
    assert "needs an operator" in told


def test_unknown_tasks_and_inputs_are_told_with_the_nearest_name(problems: Problems) -> None:
    text = GOOD.replace("{name: x}", "{nmae: x}").replace("id: hello", "id: helo")
    assert problems(text, FLOW) == [
        "a.test.yaml:8:22: flow `demo.tests.greet` has no input `nmae`. Did you mean `name`?",
        "a.test.yaml:10:15: flow `demo.tests.greet` has no task `helo`. Did you mean `hello`?",
    ]


def test_tests_of_a_flow_that_is_not_there_are_a_problem(problems: Problems) -> None:
    (told,) = problems(GOOD)
    assert told == "a.test.yaml:3:9: there is no flow `demo.tests.greet` for these tests"


def test_two_cases_cannot_share_an_id(problems: Problems) -> None:
    case = GOOD[GOOD.index("  - id: one") :]
    assert any("Duplicate test case id" in line for line in problems(GOOD + case, FLOW))


def test_what_is_no_yaml_is_a_problem_with_its_place(problems: Problems) -> None:
    assert problems("id: [", FLOW)
    assert problems("", FLOW)
    assert problems("- a", FLOW)
