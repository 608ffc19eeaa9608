"""Bounds: no expression may take the server's time, memory or stack, or reach a Python object."""

import time

import pytest

from mainstem.expr import RenderOptions, ion, printing, yamlwriting
from tests.unit.expr.rendering import fault, show

SMALL = RenderOptions(
    max_output=10_000, max_steps=5_000, max_seconds=1.0, max_range=500, regex_seconds=0.2
)
NESTED_LOOPS = (
    "{% for a in r %}{% for b in r %}{% for c in r %}{% endfor %}{% endfor %}{% endfor %}"
)
DOUBLING = "{% set s = 'ab' %}{% for i in 1..60 %}{% set s = s ~ s %}{% endfor %}"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (NESTED_LOOPS, "more steps than allowed"),
        (DOUBLING, "more text than allowed"),
        (DOUBLING.replace("~", "+"), "more text than allowed"),
        (DOUBLING.replace("s ~ s", "s | replace({'a': s})"), "more text than allowed"),
        ("{% set l = [1] %}{% for i in 1..60 %}{% set l = l + l %}{% endfor %}", "list grew"),
        ("{% for i in r %}0123456789012345678901234567890{% endfor %}", "more text than allowed"),
        ("{{ r }}{{ r }}{{ r }}{{ r }}{{ r }}{{ r }}{{ r }}", "more text than allowed"),
        ("{{ range(1, 100000000) }}", "more than the 500 elements"),
        ("{{ 1..9999999999999 }}", "more than the 500 elements"),
        ("{{ 'a' | indent(1000000) }}{{ 'a\nb' | indent(1000000) }}", "more text than allowed"),
        ("{{ " + "(" * 80 + "1" + ")" * 80 + " }}", "nested too deeply"),
        ("{{ " + "[" * 80 + "]" * 80 + " }}", "nested too deeply"),
        ("{{ " + "-" * 200 + "1 }}", "nested too deeply"),
        ("{{ 1" + " + 1" * 300 + " }}", "too many operators"),
        ("{{ a" + ".a" * 300 + " }}", "too many parts"),
        ("{% if 1 %}" * 50 + "{% endif %}" * 50, "nested too deeply"),
        ("{{ x | replace({'(a|aa)+$': 'b'}, regexp=true) }}", "more time than allowed"),
        ("{{ x | split('(a|aa)+$') }}", "more time than allowed"),
        ("{{ x | numberFormat('" + "#" * 300 + "') }}", "needs numbers"),
        ("{{ 1 | numberFormat('" + "0" * 300 + "') }}", "200 characters at most"),
        ("{{ 0 | date('" + "y" * 25 + "') }}", "Too many pattern letters"),
    ],
)
def test_what_costs_too_much_is_stopped(template: str, words: str) -> None:
    started = time.monotonic()
    variables = {"r": list(range(500)), "x": "a" * 40 + "!"}
    assert words in fault(template, options=SMALL, **variables)
    assert time.monotonic() - started < 5


def test_a_long_chain_of_concatenations_is_fine() -> None:
    assert show("{{ " + "'x' ~ " * 150 + "'' }}") == "x" * 150


def test_values_that_contain_themselves_cannot_be_printed() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert "nested too deeply" in fault("{{ l }}", l=loop)
    assert "nested too deeply" in fault("{{ l | yaml }}", l=loop)
    assert "nested too deeply" in fault("{{ l | toIon }}", l=loop)


@pytest.mark.parametrize(
    "expression",
    [
        "v.__class__", "v['__class__']", "v.upper", "v.__class__.__mro__", "l.append", "l.__len__",
        "m.keys", "m.items", "m['__init__']", "n.real", "f.hex", "d.year", "''.join", "[].pop",
        "v.upper()", "m.items()", "l.append(1)", "''.__class__()", "v.format(m)", "v.getClass()",
        "v.class", "l.hashCode()", "d.time()", "m.clear()", "l.add(1)", "l.remove(0)", "m.put(1,2)",
        "loop", "self", "scope", "_context", "f.__globals__",
    ],
)  # fmt: skip
def test_no_attribute_of_a_python_object_can_be_reached(expression: str) -> None:
    values = {"v": "x", "l": [1], "m": {"a": 1}, "n": 1, "f": 1.5, "d": time}
    assert "Unable to find" in fault("{{ " + expression + " }}", **values)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("a | yaml", "too large"),
        ("a | toIon", "larger than allowed"),
        ("a ~ ''", "larger than allowed"),
        ("a", "larger than allowed"),
        ("a | escapeChar('single')", "more steps than allowed"),
        ("a | replace({'x': 'y'})", "more steps than allowed"),
        ("render(a)", "more steps than allowed"),
        ("a | jq('.')", "larger than allowed"),
        ("v.repeat(100000)", "more text than allowed"),
    ],
)
def test_a_list_that_holds_itself_many_times_over_is_not_spelt_out(
    expression: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in (
        (ion, "_MOST_TEXT"), (printing, "_MOST_TEXT"), (yamlwriting, "_MOST_VALUES"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, 500)
    doubled = "{% set a = ['x'] %}{% for i in 1..40 %}{% set a = [a, a] %}{% endfor %}"
    options = RenderOptions(max_output=5_000, max_steps=2_000)
    assert words in fault(doubled + "{{ " + expression + " }}", options=options, v="x")


def test_lists_that_hold_themselves_many_times_over_are_compared_at_once() -> None:
    twice = "{% set a = ['x'] %}{% set b = ['x'] %}{% for i in 1..40 %}{% set a = [a, a] %}"
    assert show(twice + "{% set b = [b, b] %}{% endfor %}{{ a == b }}") == "true"


def test_objects_of_other_kinds_are_never_printed() -> None:
    assert "has no JSON form" in fault("{{ o }}", o=object())
    assert "has no JSON form" in fault("{{ o | toJson }}", o=[time])
