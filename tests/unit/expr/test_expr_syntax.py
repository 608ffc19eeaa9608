"""Literals, attributes, text with embedded expressions, whitespace, comments, raw and verbatim."""

import pytest

from mainstem.expr import is_dynamic, parse_problems
from tests.unit.expr.rendering import fault, show, value

DATA = {"a-b": {"list": [10, {"x": "deep"}]}, "n": None, "1": "one"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("data['a-b'].list[0]", "10"),
        ("data['a-b']['list'][1].x", "deep"),
        ('data["a-b"].list[i].x', "deep"),
        ("data.n", ""),
        ("data[1]", "one"),
        ("data['a-b'].list['1'].x", "deep"),
        ("{'a': [1, 2.5, null, TRUE], 'b': {}}", '{"a":[1,2.5,null,true],"b":{}}'),
        ("{'k': 'v'}.k", "v"),
        ("[5, 6][1]", "6"),
        ("[]", "[]"),
        ("none", ""),
        ("5L + 1", "6"),
        ("1.50", "1.5"),
        ("'it\\'s'", "it's"),
        ('"say \\"hi\\""', 'say "hi"'),
        ("'a\\nb'", "a\\nb"),
        ('"#{1 + 1}"', "2"),
        ('"a#{i}b#{"c#{i}"}d"', "a1bc1d"),
        ('"# no #"', "# no #"),
        ("'#{i}'", "#{i}"),
        ('"a" ~ "#{i}" | upper', "A1"),
        (
            "data.is ?? 'words of operators are names after a dot'",
            "words of operators are names after a dot",
        ),
    ],
)
def test_literals_and_paths(expression: str, expected: str) -> None:
    assert value(expression, data=DATA, i=1) == expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("a {{- 1 -}} b", "a1b"),
        ("a {{ -1 }} b", "a -1 b"),
        ("a {{-1}} b", "a -1 b"),
        ("a\n{%- if true -%}\n b \n{%- endif -%}\nc", "abc"),
        ("{% if true %}\nx\n{% endif %}\ny", "\nx\n\ny"),
        ("a{# comment {{ broken #}b", "ab"),
        ("a {#- trimmed -#} b", "ab"),
        ("{% verbatim %}{{ not }}{% endverbatim %}", "{{ not }}"),
        ("{% raw %}{{ kept }}{% endraw %}", "{{ kept }}"),
        ("{%- raw -%} {{ kept }}\n{%- endraw -%}", " {{ kept }}\n"),
        ("{{ '{% raw %}x{% endraw %}' }}", "x"),
        ("{{ {'a': {'b': 1}} }}", '{"a":{"b":1}}'),
        ("{{ '}}' }}", "}}"),
        ("single { brace } and %} stay", "single { brace } and %} stay"),
        ("{{ 1 }}\n", "1\n"),
        ("<&>{{ '<&>' }}", "<&><&>"),
    ],
)
def test_text_around_expressions_is_kept(template: str, expected: str) -> None:
    assert show(template) == expected


@pytest.mark.parametrize(
    ("template", "words", "place"),
    [
        ("{{ get missing }}", "Expected `}}` but found `missing`", (1, 8)),
        ("{{ a", "`{{` is never closed", (1, 1)),
        ("{{ }}", "Expected an expression but found `}}`", (1, 4)),
        ("{{ | upper }}", "Expected an expression but found `|`", (1, 4)),
        ("x\n\n{{ a b }}", "found `b`", (3, 6)),
        ("{{ (1 }}", "Unexpected `}`", (1, 7)),
        ("{{ 'open }}", "never closed", (1, 4)),
        ('{{ "open #{1} }}', "never closed", (1, 4)),
        ("{{ a[1 }}", "Unexpected `}`", (1, 8)),
        ("{{ a. }}", "Expected a name after `.`", (1, 7)),
        ("{# open", "comment", (1, 1)),
        ("{% if true %}x", "never closed by `elseif` or `else` or `endif`", (1, 4)),
        ("{% for x in y %}", "never closed", (1, 4)),
        ("{% nope %}", "`nope` is not a tag", (1, 4)),
        ("{% include 'x' %}", "`include` is not available", (1, 4)),
        ("{% set true = 1 %}", "can't be given a value", (1, 8)),
        ("{% endif %}", "`endif` is not a tag", (1, 4)),
        ("{{ f(a=1, 2) }}", "Positional arguments", (1, 11)),
        ("{{ @ }}", "Unexpected character `@`", (1, 4)),
        ("{% verbatim %}", "never closed", (1, 15)),
        ("{{ 1 ? 2 }}", "Expected `:`", (1, 10)),
        ("{{ 123456789012345678901 }}", "64 bits", (1, 4)),
    ],
)
def test_a_template_that_cannot_be_read_is_a_problem_with_a_place(
    template: str, words: str, place: tuple[int, int]
) -> None:
    problem = parse_problems(template)
    assert problem is not None
    assert words in problem.message
    assert (problem.line, problem.column) == place
    assert problem.expression == template


def test_readable_templates_have_no_problem() -> None:
    assert parse_problems("plain") is None
    assert parse_problems("{{ anything.at['all'] | unknown(1) }}") is None


def test_dynamic_text_holds_a_brace() -> None:
    assert is_dynamic("{{ a }}")
    assert not is_dynamic("gs://bucket/file.csv")


def test_an_unknown_filter_only_matters_when_it_is_reached() -> None:
    assert value("true ? 1 : 2 | uper") == "1"
    assert "There is no filter `uper`, did you mean `upper`?" in fault("{{ 'a' | uper }}")
    assert "There is no function or macro `nw`, did you mean `now`?" in fault("{{ nw() }}")
    assert "There is no test `nul`, did you mean `null`?" in fault("{{ 1 is nul }}")
