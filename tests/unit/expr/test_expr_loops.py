"""Functions for loops, and those of later versions that look at dates and patterns."""

from typing import Any

import pytest

from tests.unit.expr.rendering import fault, value

TURNS: dict[str, Any] = {
    "outputs": {
        "make": {"a": {"value": 1, "n": 10}, "b": {"value": 2}},
        "deep": {"o1": {"x": {"value": "ox"}, "y": {"value": "oy"}}},
    },
    "task": {"id": "make"},
    "taskrun": {"value": "b", "iteration": 1},
}


def test_the_turn_before_is_the_default_of_iteration_output() -> None:
    assert value("iterationOutput()", **TURNS) == "1"
    assert value("iterationOutput('make')", **TURNS) == "1"
    assert value("iterationOutput('make', 1)", **TURNS) == "2"
    assert value("iterationOutput(iteration=1)", **TURNS) == "2"
    assert value("iterationOutput(outputs.make).n", **TURNS) == "10"


def test_iteration_output_looks_into_the_loops_around() -> None:
    given = {**TURNS, "parents": [{"outputs": {}}, {"taskrun": {"value": "o1"}}]}
    assert value("iterationOutput('deep', 1)", **given) == "oy"
    assert value("iterationOutput('nobody') is null", **given) == "true"


def test_iteration_output_says_why_there_is_none() -> None:
    assert "by a task of a loop" in fault("{{ iterationOutput() }}", task={"id": "t"})
    first = {**TURNS, "taskrun": {"value": "a", "iteration": 0}}
    assert "no iteration -1" in fault("{{ iterationOutput() }}", **first)
    assert "Iteration 2 has no outputs yet" in fault("{{ iterationOutput('make', 2) }}", **TURNS)


def test_loop_outputs_are_one_output_of_every_iteration() -> None:
    given = [{"item": {}, "outputs": {"a": 1}}, {"item": {}, "outputs": {"a": 2, "b": 3}}]
    assert value("loopOutputs(given, 'a')", given=given) == "[1,2]"
    assert value("loopOutputs(given, 'b')", given=given) == "[3]"
    assert "the list that a Loop gives" in fault("{{ loopOutputs('x', 'b') }}")


def test_the_outputs_of_a_parent() -> None:
    inner, outer = {"outputs": {"n": "inner"}}, {"outputs": {"n": "outer"}}
    given = {"parent": inner, "parents": [inner, outer]}
    assert value("parentOutput().n", **given) == "inner"
    assert value("parentOutput(0).n", **given) == "outer"
    assert "there is none at 2" in fault("{{ parentOutput(2) }}", **given)


def test_an_environment_variable_or_its_default() -> None:
    assert value("env('team', 'none')", envs={"team": "a"}) == "a"
    assert value("env('team', 'none')", envs={"team": ""}) == "none"
    assert value("env('team') is null") == "true"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'a' in ['a', 'b']", "true"),
        ("'1' in [1, 2]", "true"),
        ("'c' not in ['a', 'b']", "true"),
        ("'k' in {'k': 'v'}", "true"),
        ("'v' in {'k': 'v'}", "true"),
        ("'a' in 'abc'", "false"),
        ("null in ['a']", "false"),
        ("not ('a' in ['a'])", "false"),
        ("'a' is in(['a'])", "true"),
        ("given.in", "7"),
        ("'a' in ['a'] and 'b' in ['b']", "true"),
    ],
)
def test_membership(expression: str, expected: str) -> None:
    assert value(expression, given={"in": 7}) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'order-12345-done' | regexExtract('[0-9]+')", "12345"),
        ("'a=1' | regexExtract('(.)=(.)', 2)", "1"),
        ("'abc' | regexExtract('[0-9]+') is null", "true"),
        ("'hello world' | regexMatch('w.r')", "true"),
        ("null | regexMatch('x')", "false"),
        ("'2024-05' | regexReplace('([0-9]+)-([0-9]+)', '$2/$1')", "05/2024"),
        ("dayOfWeek('2024-02-29T10:00:00Z')", "THURSDAY"),
        ("dayOfMonth('2024-02-29T23:30:00Z', 'Asia/Tokyo')", "1"),
        ("monthOfYear('2024-02-29')", "2"),
        ("isDayWeekInMonth('2024-02-29', 'thursday', 'LAST')", "true"),
        ("isDayWeekInMonth('2024-02-22', 'THURSDAY', 'FOURTH')", "true"),
        ("isDayWeekInMonth('2024-02-22', 'THURSDAY', 'LAST')", "false"),
        ("isDayWeekInMonth('2024-02-01', 'FRIDAY', 'FIRST')", "false"),
        ("isLastWorkingDay('2024-08-30')", "true"),
        ("isLastWorkingDay('2024-08-29') or isLastWorkingDay('2024-08-31')", "false"),
        ("isLastWorkingDay('2024-08-31', 'SATURDAY, SUNDAY')", "true"),
        ("isPublicHoliday('2024-07-14', 'fr')", "true"),
        ("isPublicHoliday('2024-08-15', 'DE')", "false"),
        ("isPublicHoliday('2024-08-15', 'DE', 'DE-SL')", "true"),
        ("ksuid() | length", "27"),
        ("'2024-08-05T19:07:09.259Z' | timestampMilli", "1722884829259"),
        ("jsonDecode('[7]')[0] ~ ([8] | jsonEncode) ~ ionDecode('9')", "7[8]9"),
        ("hourOfDay('2024-02-29T10:00:00Z')", "10"),
        ("isWeekend('2024-03-02T00:00:00Z')", "true"),
        ("isDateAfter('2024-01-01T00:00:00-03:00', '2024-01-01T00:00:00Z')", "true"),
        ("isDateBefore('2024-01-01T00:00:00Z', '2024-01-01T00:00:00Z')", "false"),
        (
            "isDateBetween('2024-06-01T00:00:00Z', '2024-01-01T00:00:00Z', '2025-01-01T00:00:00Z')",
            "true",
        ),
        ("[1, 1, 2] | uniq", "[1,2]"),
    ],
)
def test_later_functions_and_filters(expression: str, expected: str) -> None:
    assert value(expression) == expected


def test_a_group_that_the_pattern_lacks_is_a_fault() -> None:
    assert "no group 3" in fault("{{ 'a' | regexExtract('(.)', 3) }}")
    assert "no group 1" in fault("{{ 'abc' | regexExtract('a', 1) }}")
