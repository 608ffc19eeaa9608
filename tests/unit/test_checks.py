"""Checks of single values: patterns of the reference's language, JSON, date formats, zones."""

import pytest

from mainstem.sdk.checks import (
    date_format_fault,
    json_fault,
    matches_whole,
    pattern_fault,
    timezone_fault,
)


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (r"^\d{4}-\d{2}$", "2024-01", "2024-1"),
        (r"[a-z&&[^aeiou]]+", "xyz", "xyza"),
        (r"\Q{a}.*\E+", "{a}.**", "{a}.b"),
        (r"(?<x>a|b)\k<x>", "bb", "ab"),
        (r"\{[{}]\}", "{}}", "{}"),
        (r"\p{Lu}{2}", "ÄB", "äB"),
        (r"(?i)yes|no", "YES", "yesno"),
    ],
)
def test_patterns_are_read_as_java_reads_them(pattern: str, matching: str, other: str) -> None:
    assert pattern_fault(pattern) is None
    assert matches_whole(pattern, matching)
    assert not matches_whole(pattern, other)


@pytest.mark.parametrize(
    "pattern", ["[a-z", "*", "(a", "\\", "a{", "{x}", "a{2,1}", r"\1", "[z-a]"]
)
def test_what_is_no_pattern_is_said_with_the_pattern(pattern: str) -> None:
    assert (pattern_fault(pattern) or "").startswith(f"invalid pattern [{pattern}]")
    assert not matches_whole(pattern, pattern)


@pytest.mark.parametrize("text", ["{}", '"x"', "5", "null", "[1, {}]", "", " {} "])
def test_json_is_recognized(text: str) -> None:
    assert json_fault(text) is None


@pytest.mark.parametrize("text", ["{", "'a'", "NaN", "{a: 1}", '{"a": 01}', "[" * 100_000])
def test_what_is_no_json_is_said(text: str) -> None:
    assert (json_fault(text) or "").startswith(f"invalid json '({text[:80]})'")


@pytest.mark.parametrize(
    "pattern", ["yyyy-MM-dd", "dd/MM/yyyy HH:mm:ss.SSS", "YYYY 'week' ww", "XXX"]
)
def test_date_formats_are_recognized(pattern: str) -> None:
    assert date_format_fault(pattern) is None


@pytest.mark.parametrize("pattern", ["yyyy-bb", "'open", "XXXX", "n"])
def test_what_is_no_date_format_is_said(pattern: str) -> None:
    assert (date_format_fault(pattern) or "").startswith(f"invalid date format value '({pattern})'")


@pytest.mark.parametrize("name", ["UTC", "Europe/Paris", "+02:00", "GMT-8", "Z"])
def test_time_zones_are_recognized(name: str) -> None:
    assert timezone_fault(name) is None


@pytest.mark.parametrize("name", ["", "Foo/Bar", "+19:00", "europe/paris", "../etc/passwd"])
def test_what_is_no_time_zone_is_said(name: str) -> None:
    assert timezone_fault(name) == f"timezone '({name})' is not a valid time-zone ID"
