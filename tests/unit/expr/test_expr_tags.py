"""Tags: if, for with its loop variables, set and its scopes, macro, block, filter."""
# ruff: noqa: E501 - a row of a table is one line

import pytest

from tests.unit.expr.rendering import fault, show


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{% if a %}1{% elseif b %}2{% else %}3{% endif %}", "2"),
        ("{% if a %}1{% endif %}", ""),
        ("{% if b %}{% if not a %}x{% endif %}{% endif %}", "x"),
        ("{% for x in l %}{{ x }},{% endfor %}", "p,q,r,"),
        ("{% for x in [] %}x{% else %}none{% endfor %}", "none"),
        ("{% for x in null %}x{% else %}none{% endfor %}", ""),
        ("{% for e in m %}{{ e.key }}={{ e.value }};{% endfor %}", "k=1;j=2;"),
        (
            "{% for x in l %}{{ loop.index }}{{ loop.length }}{{ loop.revindex }} {% endfor %}",
            "032 131 230 ",
        ),
        (
            "{% for x in l %}{{ loop.first }}-{{ loop.last }} {% endfor %}",
            "true-false false-false false-true ",
        ),
        (
            "{% for x in l %}{% for y in 1..2 %}{{ loop.index }}{% endfor %}{{ loop.index }} {% endfor %}",
            "010 011 012 ",
        ),
        ("{% set v = 1 %}{{ v }}", "1"),
        ("{% set b = 'shadow' %}{{ b }}", "shadow"),
        ("{% set v = 0 %}{% for x in l %}{% set v = v + 1 %}{% endfor %}{{ v }}", "3"),
        ("{% for x in l %}{% set b = x %}{% endfor %}{{ b }}", "r"),
        ("{% for x in l %}{% set own = x %}{% endfor %}{{ own ?? 'gone' }}", "gone"),
        (
            "{% macro hi(name, mark='!') %}hi {{ name }}{{ mark }}{% endmacro %}{{ hi('x') }}{{ hi(mark='?', name='y') }}",
            "hi x!hi y?",
        ),
        ("{{ late(1) }}{% macro late(n) %}<{{ n }}>{% endmacro %}", "<1>"),
        ("{% macro m(p) %}{{ p is null }}{{ b ?? 'hidden' }}{% endmacro %}{{ m() }}", "truehidden"),
        ("{% block top %}[{{ b }}]{% endblock top %}{{ block('top') }}", "[yes][yes]"),
        ("{% block 'quoted' %}x{% endblock %}", "x"),
        ("{% filter upper %}a{{ b }}{% endfilter %}", "AYES"),
        ("{% filter upper | replace({'A': '-'}) %}a{% endfilter %}", "-"),
    ],
)
def test_tags(template: str, expected: str) -> None:
    variables = {"a": False, "b": "yes", "l": ["p", "q", "r"], "m": {"k": 1, "j": 2}}
    assert show(template, **variables) == expected
    assert variables["b"] == "yes"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% if null %}{% endif %}", "`if` needs a boolean, text or a number but got null"),
        ("{% if [1] %}{% endif %}", "but got a list"),
        ("{% for x in 5 %}{% endfor %}", "`for` needs a list or a map but got a number"),
        ("{% for x in 'abc' %}{% endfor %}", "but got text"),
        ("{% macro m(a) %}{% endmacro %}{{ m(1, 2) }}", "The macro `m` has other arguments"),
        ("{% macro m(a) %}{{ m(a) }}{% endmacro %}{{ m(1) }}", "nested too deeply"),
        ("{% block a %}{{ block('a') }}{% endblock %}", "nested too deeply"),
    ],
)
def test_misused_tags_are_faults(template: str, words: str) -> None:
    assert words in fault(template)


def test_a_loop_over_a_growing_map_sees_a_snapshot() -> None:
    live: dict[str, object] = {"a": 1}

    class Growing(dict[str, object]):
        def items(self):  # type: ignore[no-untyped-def]
            live["b"] = 2
            return live.items()

    assert show("{% for e in m %}{{ e.key }}{% endfor %}", m=Growing(live)) == "ab"


def test_of_blocks_of_one_name_the_last_one_shows_in_all_places() -> None:
    assert show("{% block a %}1{% endblock %}{% block a %}2{% endblock %}") == "22"
    assert show("[{{ block('none') }}]") == "[]"
