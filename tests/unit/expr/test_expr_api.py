"""The package's face: render, render_value, render_typed, truthy, errors, caching."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainstem.errors import InvalidInput
from mainstem.expr import (
    ExpressionError,
    Scope,
    UndefinedVariable,
    compile_template,
    parse_problems,
    render,
    render_typed,
    render_value,
    truthy,
)
from tests.unit.expr.rendering import fault, scope


def test_plain_text_is_returned_as_it_is() -> None:
    text = "no expression }} here"
    assert render(text, Scope({})) is text


def test_values_are_rendered_throughout_with_their_keys() -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    value = {"{{k}}": ["{{v}}", 1, {"x": ("{{v}}",)}], "d": at, "n": None}
    assert render_value(value, scope(k="key", v="val")) == {
        "key": ["val", 1, {"x": ["val"]}],
        "d": at,
        "n": None,
    }
    assert list(value) == ["{{k}}", "d", "n"]


def test_of_equal_rendered_keys_the_first_wins_and_order_is_kept() -> None:
    assert list(render_value({"b": 1, "a": 2, "{{k}}": 3}, scope(k="a")).items()) == [  # type: ignore[attr-defined]
        ("b", 1),
        ("a", 2),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ n }}", 5),
        ("{{ l }}", [1]),
        ("{{ null }}", None),
        ("{{ n > 1 }}", True),
        (" {{ n }}", " 5"),
        ("{{ n }}{{ n }}", "55"),
        ("plain", "plain"),
        ("{{ '{% raw %}x{% endraw %}' }}", "x"),
    ],
)
def test_a_lone_expression_keeps_its_type(text: str, expected: object) -> None:
    assert render_typed(text, scope(n=5, l=[1])) == expected


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", False), ("  ", False), ("false", False), (" false\n", False), ("0", False),
        ("-0", False), ("False", True), ("0.0", True), ("null", True), ("no", True), ("1", True),
    ],
)  # fmt: skip
def test_truth_of_a_rendered_condition(text: str, holds: bool) -> None:
    assert truthy(text) is holds


@pytest.mark.parametrize(
    ("template", "name", "line"),
    [
        ("{{ x }}", "x", 1),
        ("a\n{{ inputs.y }}", "y", 2),
        ("{{ inputs['z'] }}", "z", 1),
        ("{{ inputs.list[7] }}", "7", 1),
        ("{{ inputs.text.attr }}", "attr", 1),
        ("{{ inputs.none.attr }}", "attr", 1),
        ("{{ gone.attr }}", "gone", 1),
        ("{{ 'a' ~ gone | upper }}", "gone", 1),
    ],
)
def test_an_undefined_name_is_named_with_its_line(template: str, name: str, line: int) -> None:
    inputs = {"list": [1], "text": "t", "none": None}
    with pytest.raises(UndefinedVariable) as caught:
        render(template, scope(inputs=inputs))
    expected = f"Unable to find `{name}` used in the expression `{template}` at line {line}"
    assert caught.value.message == expected
    assert isinstance(caught.value, InvalidInput)


def test_other_errors_name_expression_line_and_column() -> None:
    message = fault("a\n  {{ 1 + null }}")
    assert message.endswith("in the expression `a\n  {{ 1 + null }}` at line 2, column 8")


def test_errors_never_quote_values() -> None:
    for expression in (
        "v | number",
        "v | date",
        "v | jq('.')",
        "v + null * 2",
        "fromJson(v)",
        "v()",
    ):
        assert "hunter2" not in fault("{{ " + expression + " }}", v="hunter2")


def test_long_templates_are_quoted_in_part() -> None:
    assert len(fault("{{ missing }}" + "x" * 5000)) < 1200


class Lazy(Mapping[str, object]):
    """A mapping that computes what is asked for."""

    def __getitem__(self, key: str) -> object:
        if key == "missing":
            raise KeyError(key)
        return f"<{key}>"

    def __iter__(self) -> Iterator[str]:
        return iter(("a",))

    def __len__(self) -> int:
        return 1


def test_any_mapping_serves_as_variables_and_as_values() -> None:
    assert render("{{ x }}{{ deep.y }}", Scope({"deep": Lazy(), "x": 1})) == "1<y>"
    assert render("{{ a }}{{ missing ?? '-' }}{{ fetchContext() }}", Scope(Lazy())) == (
        '<a>-{"a":"<a>"}'
    )


def test_compiled_templates_are_shared() -> None:
    assert compile_template("{{ shared }}") is compile_template("{{ shared }}")


@given(st.text(alphabet="{}%#-'\"|~?.()[]ab1 \n=,:!", max_size=40))
def test_any_text_either_renders_or_is_an_expression_error(text: str) -> None:
    problem = _problem(text)
    assert problem is None or (problem.line >= 1 and problem.column >= 1)


def _problem(text: str) -> ExpressionError | None:
    try:
        render(text, scope(a={"b": [1, "x"]}, b=2))
    except ExpressionError as error:
        return error
    return None


@given(st.text(max_size=60))
def test_text_without_braces_never_changes(text: str) -> None:
    bare = text.replace("{", "(")
    assert render(bare, Scope({})) == bare
    assert parse_problems(bare) is None
