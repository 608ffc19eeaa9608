"""Given values to inputs."""

from collections.abc import Mapping
from typing import Any

import pytest

from mainstem.errors import InvalidInput, Transient
from mainstem.expr import Scope, render_typed
from mainstem.flowspec.inputs import ResolvedInputs, coerce_output, nested, resolve_inputs
from mainstem.sdk.inputs import Input, file_extension


def render(expression: str, variables: Mapping[str, object]) -> object:
    return render_typed(expression, Scope({"letters": ["a", "b"], **variables}))


def resolve(declared: list[dict[str, Any]], given: dict[str, object]) -> ResolvedInputs:
    return resolve_inputs(
        [Input.model_validate(item) for item in declared],
        given,
        render=render,
        encrypt=lambda text: f"sealed:{len(text)}",
    )


@pytest.mark.parametrize(
    ("type_", "given", "value"),
    [
        ("STRING", "x", "x"),
        ("STRING", 5, "5"),
        ("STRING", {"a": [1]}, '{"a":[1]}'),
        ("INT", "42", 42),
        ("INT", -3, -3),
        ("FLOAT", "42.42", 42.42),
        ("FLOAT", 1, 1.0),
        ("FLOAT", "1e3", 1000.0),
        ("BOOLEAN", "TRUE", True),
        ("BOOLEAN", "yes", False),
        ("BOOL", False, False),
        ("DATETIME", "2019-10-06T18:27:49Z", "2019-10-06T18:27:49Z"),
        ("DATETIME", "2019-10-06T20:27:49.5+02:00", "2019-10-06T18:27:49.500Z"),
        ("DATE", "2019-10-06", "2019-10-06"),
        ("TIME", "01:00:00", "01:00"),
        ("TIME", "18:27:49", "18:27:49"),
        ("DURATION", "PT5M6S", "PT5M6S"),
        ("DURATION", "P1D", "PT24H"),
        ("JSON", '{"a": "b"}', {"a": "b"}),
        ("JSON", {"a": "b"}, {"a": "b"}),
        ("YAML", "some: property\nalist:\n- of\n", {"some": "property", "alist": ["of"]}),
        ("URI", "https://www.google.com", "https://www.google.com"),
        ("SECRET", "abc", "sealed:3"),
        ("EMAIL", "a@b.c", "a@b.c"),
        ("FILE", "kestra:///a/b.csv", "kestra:///a/b.csv"),
    ],
)
def test_values_become_what_their_type_holds(type_: str, given: object, value: object) -> None:
    resolved = resolve([{"id": "x", "type": type_}], {"x": given})
    assert resolved.errors == ()
    assert resolved.values == {"x": value}


@pytest.mark.parametrize(
    ("type_", "given"),
    [
        ("INT", "1.5"),
        ("INT", 1.0),
        ("INT", True),
        ("INT", ""),
        ("FLOAT", "one"),
        ("FLOAT", "nan"),
        ("BOOLEAN", 1),
        ("DATETIME", "2019-10-06 18:27:49"),
        ("DATE", "2019-13-06"),
        ("TIME", "25:00"),
        ("DURATION", "5 minutes"),
        ("JSON", "{"),
        ("JSON", "NaN"),
        ("YAML", "a: [1"),
        ("URI", "http:/bla"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_value(type_: str, given: object) -> None:
    (error,) = resolve([{"id": "x", "type": type_}], {"x": given}).errors
    assert error.startswith(f"Invalid input for `x`, Expected `{type_}` but received `")
    shown = {True: "true"}.get(given, given) if isinstance(given, bool) else given
    assert error.endswith(f", but received `{shown}`")


@pytest.mark.parametrize(
    ("declared", "given", "reason"),
    [
        ({"type": "STRING", "validator": r"A\d+"}, "A", r"it must match the pattern `A\d+`"),
        ({"type": "STRING", "validator": "a"}, "ab", "it must match the pattern `a`"),
        ({"type": "INT", "min": 10, "max": 20}, "9", "it must be more than `10`"),
        ({"type": "INT", "min": 10, "max": 20}, 21, "it must be less than `20`"),
        ({"type": "FLOAT", "min": 0.1}, "0.01", "it must be more than `0.1`"),
        ({"type": "DURATION", "min": "PT10S"}, "PT1S", "It must be more than `PT10S`"),
        ({"type": "DURATION", "max": "PT20S"}, "PT30S", "It must be less than `PT20S`"),
        ({"type": "DATE", "after": "2023-01-01"}, "2022-01-01", "it must be after `2023-01-01`"),
        ({"type": "DATE", "before": "2023-12-31"}, "2024-01-01", "it must be before `2023-12-31`"),
        (
            {"type": "DATETIME", "before": "2023-12-31T23:59:59Z"},
            "2024-01-01T00:00:00Z",
            "it must be before `2023-12-31T23:59:59Z`",
        ),
        ({"type": "TIME", "after": "01:00:00"}, "00:00:01", "it must be after `01:00`"),
        ({"type": "ENUM", "values": ["A", "B"]}, "C", "it must match the values `[A, B]`"),
        ({"type": "SELECT", "values": ["A"]}, "C", "it must match the values `[A]`"),
        (
            {"type": "SELECT", "expression": "{{ letters }}"},
            "C",
            "it must match the values `[a, b]`",
        ),
        ({"type": "MULTISELECT", "values": ["A"]}, '["A", "C"]', "it must match the values `[A]`"),
        ({"type": "EMAIL"}, "nobody", "The input must be a valid email"),
        (
            {"type": "ARRAY", "itemType": "INT"},
            '["s1"]',
            "Unable to parse array element as `INT` on `s1`",
        ),
        (
            {"type": "SELECT", "expression": "{{ 5 }}"},
            "C",
            "Invalid expression result. Expected a list of strings, but received Integer",
        ),
    ],
)
def test_limits_are_told_in_the_words_of_the_reference(
    declared: dict[str, Any], given: object, reason: str
) -> None:
    (error,) = resolve([{"id": "x", **declared}], {"x": given}).errors
    assert error == f"Invalid input for `x`, {reason}, but received `{given}`"


def test_bounds_themselves_are_inside() -> None:
    declared = [{"id": "x", "type": "INT", "min": 1, "max": 1}]
    assert resolve(declared, {"x": 1}).ok


def test_a_missing_required_input_is_an_error_and_a_missing_optional_one_is_null() -> None:
    resolved = resolve(
        [{"id": "a", "type": "STRING"}, {"id": "b", "type": "INT", "required": False}], {"z": 1}
    )
    assert resolved.errors == (
        "Invalid input for `a`, missing required input, but received `null`",
    )
    assert resolved.values["b"] is None
    with pytest.raises(InvalidInput, match="missing required input"):
        resolved.checked()


def test_a_default_is_used_when_nothing_or_null_is_given() -> None:
    declared = [{"id": "a", "type": "STRING", "defaults": "x"}]
    assert resolve(declared, {}).values == {"a": "x"}
    assert resolve(declared, {"a": None}).inputs[0].is_default


@pytest.mark.parametrize(
    ("type_", "written", "value"),
    [
        ("STRING", "{{ letters[1] }}!", "b!"),
        ("STRING", "{{ 1 + 1 }}", "2"),
        ("INT", "{{ 40 + 2 }}", 42),
        ("MULTISELECT", "{{ letters }}", ["a", "b"]),
        ("MULTISELECT", ["{{ letters[0] }}"], ["a"]),
        ("JSON", {"k": ["{{ letters[0] }}", 1]}, {"k": ["a", 1]}),
    ],
)
def test_a_default_is_rendered_to_the_type_of_its_input(
    type_: str, written: object, value: object
) -> None:
    declared = {"id": "a", "type": type_, "defaults": written}
    if type_ == "MULTISELECT":
        declared["values"] = ["a", "b"]
    assert resolve([declared], {}).checked() == {"a": value}


def test_a_default_sees_the_inputs_it_depends_on() -> None:
    declared = [
        {
            "id": "file",
            "type": "STRING",
            "defaults": "trips_{{ inputs.month }}.csv",
            "dependsOn": {"inputs": ["month"]},
        },
        {"id": "month", "type": "STRING"},
    ]
    assert resolve(declared, {"month": "2024-01"}).values["file"] == "trips_2024-01.csv"


def test_what_is_given_is_never_rendered_but_a_form_may_give_the_default_back() -> None:
    declared = [{"id": "a", "type": "STRING", "defaults": "{{ letters[0] }}"}]
    assert resolve(declared, {"a": "{{ letters[1] }}"}).values == {"a": "{{ letters[1] }}"}
    assert resolve(declared, {"a": "{{ letters[0] }}"}).values == {"a": "a"}


def test_a_default_that_cannot_be_rendered_is_an_error_that_names_the_cause() -> None:
    (error,) = resolve([{"id": "a", "type": "STRING", "defaults": "{{ nobody }}"}], {}).errors
    assert error.startswith(
        "Invalid input for `a`, Cannot render 'defaults'. Cause: Unable to find"
    )


def test_a_secret_is_no_default_of_an_input_that_shows_it() -> None:
    def resolved(type_: str) -> ResolvedInputs:
        return resolve_inputs(
            [Input.model_validate({"id": "a", "type": type_, "defaults": "{{ letters[0] }}"})],
            {},
            render=render,
            encrypt=lambda text: "sealed",
            discloses=lambda text: text == "a",
        )

    assert resolved("SECRET").checked() == {"a": "sealed"}
    (error,) = resolved("STRING").errors
    assert "a secret may be the default of an input of type SECRET only" in error
    assert "received `{{ letters[0] }}`" in error


def test_all_errors_are_collected() -> None:
    declared = [{"id": name, "type": "INT"} for name in ("a", "b")]
    assert len(resolve(declared, {"a": "x", "b": "y"}).errors) == 2


def test_choices_of_an_optional_select_are_a_suggestion_and_custom_values_pass() -> None:
    optional = {"id": "a", "type": "SELECT", "values": ["x"], "required": False}
    custom = {"id": "b", "type": "MULTISELECT", "values": ["x"], "allowCustomValue": True}
    assert resolve([optional, custom], {"a": "other", "b": ["other"]}).ok


def test_the_first_choice_may_be_taken_by_itself() -> None:
    select = {"id": "a", "type": "SELECT", "expression": "{{ letters }}", "autoSelectFirst": True}
    multi = {"id": "b", "type": "MULTISELECT", "values": ["x", "y"], "autoSelectFirst": True}
    assert resolve([select, multi], {}).values == {"a": "a", "b": ["x"]}


def test_an_input_is_resolved_after_those_it_depends_on() -> None:
    declared = [
        {
            "id": "second",
            "type": "SELECT",
            "dependsOn": {"inputs": ["first"], "condition": "{{ inputs.first > 2 }}"},
            "expression": "{{ [inputs.first, 7] }}",
        },
        {"id": "first", "type": "INT"},
    ]
    resolved = resolve(declared, {"first": "3", "second": "7"})
    assert resolved.errors == ()
    assert resolved.values == {"second": "7", "first": 3}


def test_a_condition_that_does_not_hold_disables_an_input_and_all_that_depend_on_it() -> None:
    declared = [
        {"id": "a", "type": "STRING"},
        {
            "id": "b",
            "type": "STRING",
            "dependsOn": {"inputs": ["a"], "condition": "{{ inputs.a == 'x' }}"},
        },
        {"id": "c", "type": "INT", "dependsOn": {"inputs": ["b"]}},
    ]
    resolved = resolve(declared, {"a": "y", "b": "given"})
    assert resolved.enabled == {"a": True, "b": False, "c": False}
    assert resolved.values == {"a": "y"}
    assert resolved.ok


@pytest.mark.parametrize("condition", ["{{ 'true' }}", "true", "{{ 1 }}"])
def test_a_condition_must_be_true_itself_not_text_that_says_so(condition: str) -> None:
    declared = [
        {"id": "a", "type": "STRING", "dependsOn": {"condition": condition}, "required": False}
    ]
    assert resolve(declared, {}).enabled == {"a": False}


def test_a_condition_that_cannot_be_rendered_is_an_error() -> None:
    declared = [{"id": "a", "type": "STRING", "dependsOn": {"condition": "{{ inputs.gone == 1 }}"}}]
    resolved = resolve(declared, {"a": "x"})
    assert resolved.enabled == {"a": False}
    assert resolved.errors[0].startswith("Invalid condition: Unable to find `")


def test_dependencies_that_are_unknown_or_circular_do_not_stop_the_resolution() -> None:
    declared = [
        {"id": "a", "type": "STRING", "dependsOn": {"inputs": ["b", "ghost"]}},
        {"id": "b", "type": "STRING", "dependsOn": {"inputs": ["a"]}},
    ]
    assert resolve(declared, {"a": "1", "b": "2"}).values == {"a": "1", "b": "2"}


def test_dots_in_ids_nest_and_conflicts_are_errors() -> None:
    assert nested({"a.b": 1, "a.c.d": 2, "e": {"x": 1}}) == {
        "a": {"b": 1, "c": {"d": 2}},
        "e": {"x": 1},
    }
    for flat in ({"a": {}, "a.b": 1}, {"a.b": 1, "a": {}}):
        with pytest.raises(InvalidInput, match="Conflict"):
            nested(flat)


def test_a_secret_is_never_quoted() -> None:
    secret = {"id": "s", "type": "SECRET", "validator": "[a-z]+"}
    (error,) = resolve([secret], {"s": "P4SS"}).errors
    assert "P4SS" not in error
    unsealed = resolve_inputs(
        [Input.model_validate(secret)], {"s": "abc"}, render=render, encrypt=None
    )
    assert "encryption is not configured" in unsealed.errors[0]
    assert "`abc`" not in unsealed.errors[0]


def test_a_key_that_cannot_be_had_is_told_for_a_secret() -> None:
    def no_key(_text: str) -> object:
        raise Transient("the key file /keys/master is not readable")

    secret = Input.model_validate({"id": "s", "type": "SECRET"})
    found = resolve_inputs([secret], {"s": "P4SS"}, render=render, encrypt=no_key)
    assert "the key file /keys/master is not readable" in found.errors[0]
    assert "P4SS" not in found.errors[0]


def test_a_file_goes_through_the_intake() -> None:
    seen = []

    def intake(declared: Input, given: object) -> str:
        seen.append((declared.id, given))
        return "mainstem:///stored"

    declared = [Input.model_validate({"id": "f", "type": "FILE"})]
    resolved = resolve_inputs(declared, {"f": "upload"}, render=render, files=intake)
    assert resolved.values == {"f": "mainstem:///stored"}
    assert seen == [("f", "upload")]


def test_an_upload_is_named_by_the_extension_its_input_declares() -> None:
    declared = [Input.model_validate({"id": "f", "type": "FILE", "extension": "zip"})]
    assert file_extension(declared, "f") == ".zip"
    assert file_extension(declared, "other") == ".upl"


def test_a_pattern_that_explodes_is_given_up() -> None:
    declared = [{"id": "x", "type": "STRING", "validator": "(a+)+b"}]
    assert not resolve(declared, {"x": "a" * 40}).ok


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [("STRING", {"a": 1}, '{"a":1}'), ("INT", "5", 5), ("ARRAY", [1], [1]), ("INT", None, None)],
)
def test_outputs_are_coerced_like_inputs(type_: str, value: object, expected: object) -> None:
    assert coerce_output(type_, value) == expected


def test_an_output_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidInput, match="Expected `INT`"):
        coerce_output("INT", "x")
