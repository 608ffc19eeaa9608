"""Any text and any variables: an answer, or an error with a place, and nothing else."""

import json
from contextlib import suppress
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mainstem.expr import (
    ExpressionError,
    Float32,
    NoHost,
    RenderOptions,
    Scope,
    render,
    render_typed,
)
from mainstem.expr.filters import FILTERS
from mainstem.expr.functions import FUNCTIONS
from mainstem.expr.methods import METHOD_NAMES
from mainstem.expr.tests import TESTS
from tests.unit.expr.rendering import NOW

OPTIONS = RenderOptions(
    max_output=20_000, max_steps=20_000, max_seconds=2.0, max_range=1_000, regex_seconds=0.2
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["2024-02-29T10:00:00Z", "2024-05-01", "PT5M", '{"a": [1]}', "a,b", "12.5"])
    | st.datetimes(timezones=st.sampled_from([UTC, ZoneInfo("Asia/Tokyo")]) | st.none())
    | st.dates()
    | st.times()
    | st.timedeltas()
    | st.decimals().filter(lambda number: not number.is_snan())  # no database has one
    | st.binary(max_size=4)
    | st.floats(width=32).map(Float32),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=4) | st.sampled_from(["a", "type", "value"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
# Functions of chance and of the host add nothing here.
_QUIET = sorted(
    set(FUNCTIONS) - {"uuid", "id", "ksuid", "nanoId", "randomInt", "randomPort", "http"}
)
_METHODS = st.sampled_from(METHOD_NAMES)
ATOMS = st.sampled_from(["v", "w", "v.a", "w[0]", "v['a']", "nothing", "true", "null", "[]", "{}"])
LITERALS = st.one_of(
    st.integers(0, 2**66).map(str),
    st.floats(0, 1e9, allow_nan=False).map(lambda number: f"{number:.4f}"),
    st.sampled_from(
        [
            "'a'",
            "'[a-z]+'",
            "'yyyy-MM-dd'",
            "'.[0]'",
            "'UTC'",
            "''",
            '"#{v}"',
            "'0.00'",
            "'DAYS'",
            "'single'",
            "'full'",
            "'de'",
            "{'a': v}",
        ]
    ),
)


def _expressions() -> st.SearchStrategy[str]:
    operators = st.sampled_from(
        ["+", "-", "*", "/", "%", "~", "??", "???", "==", "!=", "<", ">=", "and", "or",
         "contains", "in", "not in", "..", "|"]
    )  # fmt: skip

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        arguments = st.lists(inner, max_size=3).map(", ".join)
        return st.one_of(
            st.tuples(inner, operators, inner).map(" ".join),
            st.tuples(inner, st.sampled_from(sorted(FILTERS)), arguments).map(
                lambda parts: f"({parts[0]}) | {parts[1]}({parts[2]})"
            ),
            st.tuples(st.sampled_from(_QUIET), arguments).map(
                lambda parts: f"{parts[0]}({parts[1]})"
            ),
            st.tuples(inner, st.sampled_from(sorted(TESTS)), arguments).map(
                lambda parts: f"{parts[0]} is {parts[1]}({parts[2]})"
            ),
            st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} ? {p[1]} : {p[2]})"),
            inner.map(lambda text: f"not ({text})"),
            st.tuples(inner, inner).map(lambda p: f"[{p[0]}, {p[1]}]"),
            st.tuples(inner, inner).map(lambda p: f"({p[0]})[{p[1]}]"),
            st.tuples(inner, _METHODS, arguments).map(lambda p: f"({p[0]}).{p[1]}({p[2]})"),
            st.tuples(inner, _METHODS).map(lambda p: f"({p[0]}).{p[1]}"),
        )

    return st.recursive(ATOMS | LITERALS, grow, max_leaves=8)


def _answers(template: str, **variables: Any) -> None:
    scope = Scope(variables, NoHost(NOW), OPTIONS)
    for way in (render, render_typed):
        with suppress(ExpressionError):
            way(template, scope)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(expression=_expressions(), v=VALUES, w=VALUES)
def test_any_expression_gives_an_answer_or_an_error_with_its_place(
    expression: str, v: object, w: object
) -> None:
    _answers("{{ " + expression + " }}", v=v, w=w)


KINDS: dict[str, object] = {
    "null": None, "true": True, "int": 7, "huge": 10**30, "real": -2.5, "nan": float("nan"),
    "text": "a,B 1", "empty": "", "list": [3, "x", None, [1]], "map": {"a": 1, "b": {"c": None}},
    "moment": NOW, "local": NOW.replace(tzinfo=None), "day": NOW.date(), "time": NOW.time(),
    "span": timedelta(hours=1), "decimal": Decimal("1.50"), "no number": Decimal("NaN"),
    "narrow": Float32(0.1), "bytes": b"\xff\0", "lone surrogate": "\ud800", "object": object(),
}  # fmt: skip
_ARGUMENTS = ("", "(1)", "('a')", "('a', 2)", "({'a': 'b'}, true)", "(-1)", "([v], null)", "(v, v)")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_filter_test_and_method_takes_every_kind_of_value_or_says_why_not(kind: str) -> None:
    v = KINDS[kind]
    for arguments in _ARGUMENTS:
        for name in FILTERS:
            _answers(f"{{{{ v | {name}{arguments} }}}}", v=v)
        for name in TESTS:
            _answers(f"{{{{ v is {name}{arguments} }}}}", v=v)
        for name in METHOD_NAMES:
            _answers(f"{{{{ v.{name}{arguments} }}}}", v=v)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(expression=_expressions(), v=VALUES, w=VALUES)
def test_any_tag_around_an_expression_gives_an_answer_or_an_error_with_its_place(
    expression: str, v: object, w: object
) -> None:
    for template in (
        "{% for x in E %}{{ loop.index }}{{ x }}{% else %}-{% endfor %}",
        "{% if E %}a{% elseif w %}b{% else %}c{% endif %}",
        "{% set v = E %}{{ v }}{{ v ~ w }}",
        "{% macro m(a, b=1) %}{{ a }}{{ b }}{% endmacro %}{{ m(E, b=w) }}",
        "{% block b %}{{ E }}{% endblock %}{{ block('b') }}",
        "{% filter upper | default(E) %}{{ w }}{% endfilter %}",
    ):
        _answers(template.replace("E", expression), v=v, w=w)


@settings(max_examples=400, deadline=None)
@given(
    text=st.lists(
        st.sampled_from(
            ["{{", "}}", "{%", "%}", "{#", "#}", " if ", " for x in ", "endif", "endfor",
             " set x = ", "v", "'", '"', "(", ")", "[", "]", "|", "a.b",
             "1", "\n", "raw", "endraw", "\\", "-"]
        )
        | st.text(max_size=3),
        max_size=14,
    ).map("".join),
    v=VALUES,
)  # fmt: skip
def test_any_text_is_a_template_or_an_error_with_its_place(text: str, v: object) -> None:
    _answers(text, v=v)


@settings(max_examples=200, deadline=None)
@given(v=VALUES)
def test_a_lone_variable_keeps_its_value_and_prints_without_fail(v: object) -> None:
    scope = Scope({"v": v}, NoHost(NOW), OPTIONS)
    typed = render_typed("{{ v }}", scope)
    assert json.dumps(typed, default=str) == json.dumps(v, default=str)
    render("{{ v }}{{ v ~ '' }}", scope)
