"""YAML as flows are written in it, with positions and limits."""

import time

import pytest

from mainstem.flowspec.source import MAX_BYTES, documents, load


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("2024-01-31", "2024-01-31"),
        ("2024-01-31T08:00:00Z", "2024-01-31T08:00:00Z"),
        ("12:30:45", "12:30:45"),
        ("1_000", "1_000"),
        ("42", 42),
        ("-7", -7),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ('"42"', "42"),
        ("'true'", "true"),
        ("!!str 42", "42"),
        ("=", "="),
        ("- 1", None),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    if text == "- 1":
        assert load("- 1\n- a\n").data == [1, "a"]
        return
    assert load(f"key: {text}").data == {"key": value}


def test_a_number_remembers_how_it_was_written_where_python_would_forget() -> None:
    data = load("version: 1.10\ncode: 007\nplain: 1.5").data
    assert data == {"version": 1.1, "code": 7, "plain": 1.5}
    assert getattr(data["version"], "text", None) == "1.10"  # type: ignore[index]
    assert getattr(data["code"], "text", None) == "007"  # type: ignore[index]
    assert type(data["plain"]) is float  # type: ignore[index]


def test_positions_are_those_of_keys_and_values() -> None:
    source = load("a: 1\nlist:\n  - x: one\n    y: two\n")
    assert source.key(source.data, "list") == (2, 1)
    item = source.data["list"][0]  # type: ignore[index]
    assert source.key(item, "y") == (4, 5)
    assert source.value(item, "y") == (4, 8)
    assert source.start(item) == (3, 5)


def test_a_duplicate_key_is_refused_with_both_places() -> None:
    (remark,) = load("a: 1\nb: 2\na: 3\n").remarks
    assert (remark.at, remark.code) == ((3, 1), "duplicate-key")
    assert "Duplicate field 'a'" in remark.message
    assert "line 1" in remark.message


def test_every_duplicate_key_is_reported() -> None:
    source = load("a: 1\na: 2\nm:\n  b: 1\n  b: 2\n")
    assert [remark.at.line for remark in source.remarks] == [2, 5]


def test_anchors_and_merge_keys_give_what_they_name() -> None:
    source = load("base: &base {x: 1, y: 2}\nmine:\n  <<: *base\n  y: 3\nsame: *base\n")
    assert source.data == {
        "base": {"x": 1, "y": 2},
        "mine": {"x": 1, "y": 3},
        "same": {"x": 1, "y": 2},
    }
    assert source.value(source.data["mine"], "x") == (1, 17)  # type: ignore[index]


def test_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    began = time.perf_counter()
    source = load("\n".join(lines))
    assert time.perf_counter() - began < 1
    assert source.data is None
    assert source.remarks[0].code == "too-many-values"


def test_an_alias_inside_the_value_it_names_is_refused() -> None:
    source = load("a: &a\n  b: *a\n")
    assert [remark.code for remark in source.remarks] == ["recursive-alias"]


@pytest.mark.parametrize("text", ["a: " + "[" * 5_000, "- " * 5_000 + "x", "[" * 200 + "]" * 200])
def test_deep_nesting_is_refused_before_it_exhausts_the_stack(text: str) -> None:
    assert load(text).remarks[0].code in {"too-deep", "yaml-syntax"}


def test_a_file_over_the_limit_is_not_read() -> None:
    assert load("a: " + "x" * MAX_BYTES).remarks[0].code == "too-large"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: b: c\n", 1),
        ("a:\n\t- x\n", 2),
        ('a: "x\n', 2),
        ("a: *nowhere\n", 1),
        ("a: [1, 2\nb: 1\n", 2),
    ],
)
def test_what_is_not_yaml_is_said_with_its_line(text: str, line: int) -> None:
    (remark,) = load(text).remarks
    assert remark.code == "yaml-syntax"
    assert remark.at.line in {line, line + 1}


def test_an_unquoted_expression_at_the_start_of_a_value_gets_a_hint() -> None:
    (remark,) = load("message: {{ inputs.x }}\n").remarks
    assert remark.code == "complex-key"
    assert remark.suggestion is not None


@pytest.mark.parametrize("text", ["a: {{x}}-b", "a:\n  - {{ x }} y", "a: {{ x }}: b", "a: {{ x }}"])
def test_an_unquoted_expression_is_recognized_whatever_yaml_makes_of_it(text: str) -> None:
    assert load(text).remarks[0].suggestion == 'Put quotes around expressions: "{{ … }}".'


@pytest.mark.parametrize("text", ["a:\n\tb: 1", "\ta: 1"])
def test_a_tab_is_called_by_its_name(text: str) -> None:
    assert "spaces, not tabs" in load(text).remarks[0].message


def test_unknown_tags_are_refused() -> None:
    assert [remark.code for remark in load("a: !secret x\n").remarks] == ["unknown-tag"]


def test_documents_are_split_at_lines_of_dashes_only() -> None:
    assert documents("a: x---y\n---\nb: 2\n---\n\n") == ["a: x---y\n", "\nb: 2\n"]
