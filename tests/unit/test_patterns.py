"""Patterns that users write, and lines that commands write: both bounded."""

from pathlib import Path

import pytest

from mainstem.errors import InvalidInput
from mainstem.sdk.globs import working_files
from mainstem.sdk.patterns import Pattern

ENDLESS = "(a|aa|b?a)+[c-d]"


def test_a_pattern_that_would_take_for_ever_is_given_up() -> None:
    with pytest.raises(InvalidInput, match=r"`regExp` `.*` takes more time|more time than allowed"):
        Pattern(ENDLESS, "regExp").matches("a" * 200)


def test_the_property_with_a_bad_pattern_is_named() -> None:
    with pytest.raises(InvalidInput, match="`regExp` `\\(`"):
        Pattern("(", "regExp")


def test_a_pattern_is_read_as_java_reads_it() -> None:
    assert Pattern(r"\d+", "regExp").is_in("gs://b/2026.csv")
    assert not Pattern(r"\d+", "regExp").matches("gs://b/2026.csv")
    assert not Pattern(r"\d", "regExp").is_in("٣")


def test_folders_at_any_depth_are_matched_once_however_often_they_are_asked_for(
    tmp_path: Path,
) -> None:
    deep = tmp_path.joinpath(*"ab" * 20)
    deep.mkdir(parents=True)
    (deep / "c.csv").touch()
    (tmp_path / "d.csv").touch()
    found = [name for name, _ in working_files(tmp_path, ["**/" * 30 + "*.csv"])]
    assert found == [f"{'/'.join('ab' * 20)}/c.csv", "d.csv"]
    assert not list(working_files(tmp_path, ["**/" * 30 + "*.none"]))
    assert [name for name, _ in working_files(tmp_path, [r"regex:\w\.csv"])] == ["d.csv"]
