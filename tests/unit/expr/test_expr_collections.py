"""Filters and tests on lists and maps, and the outputs of the current turn of a loop."""

from datetime import date

import pytest

from tests.unit.expr.rendering import fault, value

DATA = {
    "l": [3, 1, 2],
    "m": {"b": 1, "a": None},
    "t": ["b", "a"],
    "d": [date(2024, 2, 1), date(2024, 1, 1)],
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("l | chunk(2)", "[[3,1],[2]]"),
        ("l | first", "3"),
        ("l | last", "2"),
        ("[] | first", ""),
        ("[[1, [2]], 3] | flatten", "[1,[2],3]"),
        ("l | join", "312"),
        ("[1, null, 'x'] | join('-')", "1-null-x"),
        ("m | keys", '["b","a"]'),
        ("l | keys", "[0,1,2]"),
        ("m | values | length", "2"),
        ("l | length", "3"),
        ("m | length", "2"),
        ("null | length", "0"),
        ("5 | length", "0"),
        ("[1] | merge([2])", "[1,2]"),
        ("{'a': 1} | merge({'a': 2, 'b': 3})", '{"a":2,"b":3}'),
        ("{'a': 1} | merge(['b'])", '{"a":1,"b":"b"}'),
        ("null | merge([1])", "[1]"),
        ("[1] | merge(null)", "[1]"),
        ("l | reverse", "[2,1,3]"),
        ("l | sort", "[1,2,3]"),
        ("[2.5, 1] | rsort", "[2.5,1]"),
        ("t | sort", '["a","b"]'),
        ("d | sort | first", "2024-01-01"),
        ("l | slice(1, 2)", "[1]"),
        ("[1, 1.0, 'a', 'a'] | distinct", '[1,"a"]'),
        ("missing | default('x')", "x"),
        ("m.a | default('x')", "x"),
        ("'  ' | default('blank')", "blank"),
        ("{} | default('empty')", "empty"),
        ("0 | default('zero stays')", "0"),
        ("missing.deep['er'] | default(default=1)", "1"),
        ("l is iterable and m is map", "true"),
        ("m is iterable", "false"),
        ("[] is empty and '' is empty and null is empty and {} is empty", "true"),
        ("l is not empty", "true"),
        ("2 is even and 3 is odd", "true"),
        ("'{\"a\": 1}' is json", "true"),
        ("'{' is json", "false"),
        ("'abc' is startsWith('a') and 'abc' is endsWith('c')", "true"),
        ("1 is in([1, 2])", "true"),
        ("m.a is defined", "false"),
        ("m.b is defined", "true"),
        ("m.zz.y is defined", "false"),
    ],
)
def test_collection_filters_and_tests(expression: str, expected: str) -> None:
    assert value(expression, **DATA) == expected
    assert DATA["l"] == [3, 1, 2]


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("1 | chunk(2)", "`chunk` needs a list but got a number"),
        ("l | chunk(0)", "1 or more"),
        ("'x' | join(',')", "`join` needs a list"),
        ("'x' | keys", "`keys` needs a list but got text"),
        ("l | values", "`values` needs a map but got a list"),
        ("m | first", "`first` needs a list but got a map"),
        ("null | merge(null)", "null on both sides"),
        ("'x' | merge([1])", "needs a list"),
        ("[1, 'a'] | sort", "can be sorted"),
        ("null is even", "need an integer but got null"),
        ("missing is empty", "Unable to find `missing`"),
        ("5 is json", "`json` needs text"),
        ("missing is null", "Unable to find `missing`"),
    ],
)
def test_misused_collection_filters_are_faults(expression: str, words: str) -> None:
    assert words in fault("{{ " + expression + " }}", **DATA)


def test_current_each_output_follows_the_turns_from_outermost_to_own() -> None:
    outputs = {"build": {"v1": {"v2": {"own": {"uri": "file"}}}}}
    parents = [{"taskrun": {"value": "v2"}}, {"outputs": {}}, {"taskrun": {"value": "v1"}}]
    given = {"outputs": outputs, "parents": parents, "taskrun": {"value": "own"}}
    assert value("currentEachOutput(outputs.build).uri", **given) == "file"
    assert (
        value("currentEachOutput(outputs.a)", outputs={"a": {"x": 1}}, taskrun={"value": "x"})
        == "1"
    )


def test_current_each_output_says_why_there_is_none() -> None:
    alone = {"outputs": {"a": {"x": 1}}}
    assert "not part of a loop" in fault("{{ currentEachOutput(outputs.a) }}", **alone)
    turn = {**alone, "taskrun": {"value": "y"}}
    assert "no output of this task" in fault("{{ currentEachOutput(outputs.a) }}", **turn)
