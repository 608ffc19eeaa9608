"""The corpus runner on a corpus of our own."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import __main__ as runner
from tests.conformance.inputs import run_line as run_input
from tests.conformance.plugin_defaults import run_line as run_default
from tests.conformance.validation import run_line as run_validation

RETRY = {
    "id": "ours.1",
    "inline": {"model": "retry", "type": "constant", "interval": "PT9S", "maxDuration": "PT1S"},
    "valid": False,
    "violations": ["'interval' must be less than 'maxDuration' but is PT9S"],
    "violation_count": 1,
    "stage": "model",
    "features": ["retry"],
}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    lines = [RETRY, {**RETRY, "id": "ours.2", "valid": True, "violations": []}]
    text = "\n".join(json.dumps(line) for line in lines)
    (tmp_path / "validation.jsonl").write_text(text + "\n")
    (tmp_path / "tasks.jsonl").write_text("")
    return tmp_path


def test_lines_are_counted_by_file_and_feature(corpus: Path) -> None:
    tally = runner.run_file("validation", corpus).as_json()
    assert (tally["passed"], tally["failed"], tally["skipped"]) == (1, 1, 0)
    assert tally["failures"][0]["id"] == "ours.2"
    assert tally["features"] == {"retry": {"passed": 1, "failed": 1}}


def test_a_share_below_the_threshold_fails_and_thresholds_only_rise(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "THRESHOLDS", tmp_path / "thresholds.json")
    tallies = {"validation": runner.run_file("validation", corpus)}
    assert runner.below_threshold(tallies) == []
    runner.raise_thresholds(tallies)
    assert runner.below_threshold(tallies) == []
    runner.THRESHOLDS.write_text('{"validation": 0.9}')
    runner.raise_thresholds(tallies)
    assert json.loads(runner.THRESHOLDS.read_text()) == {"validation": 0.9}
    assert runner.below_threshold(tallies)


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({}, None),
        ({"violations": ["something else"]}, "nothing says"),
        ({"violation_count": 2}, "should have 2 violations"),
        ({"valid": True}, "should be valid"),
        ({"inline": {"model": "unheard"}}, "skipped: there is no model unheard"),
    ],
)
def test_a_validation_line_is_compared_in_every_respect(
    tmp_path: Path, change: dict[str, Any], difference: str | None
) -> None:
    outcome = run_validation({**RETRY, **change}, tmp_path)
    assert outcome is None if difference is None else difference in str(outcome)


@pytest.mark.parametrize(
    ("model", "good", "bad"),
    [
        ("regex", {"value": "[a-z]+"}, {"value": "["}),
        ("json_string", {"value": "{}"}, {"value": "{"}),
        ("timezone", {"timezone": "Europe/Paris"}, {"timezone": "Europe/Nowhere"}),
        ("date_formats", {"values": ["YYYY", "H:mm"]}, {"values": ["YYYYo"]}),
        ("data", {"fromURI": "kestra:///x"}, {"fromURI": "kestra:///x", "fromMap": {"a": 1}}),
        ("string_input", {"id": "a", "type": "STRING"}, {"id": "a", "type": "STRING", "min": 1}),
        (
            "sla",
            {"id": "a", "type": "MAX_DURATION", "duration": "PT1S", "behavior": "NONE"},
            {"id": "a", "type": "MAX_DURATION", "behavior": "NONE"},
        ),
    ],
)
def test_models_are_checked_alone(
    tmp_path: Path, model: str, good: dict[str, Any], bad: dict[str, Any]
) -> None:
    line = {"valid": True, "violations": [], "stage": "model"}
    assert run_validation({**line, "inline": {"model": model, **good}}, tmp_path) is None
    wrong = {**line, "valid": False, "inline": {"model": model, **bad}}
    assert run_validation(wrong, tmp_path) is None


def test_input_and_default_lines_are_compared(tmp_path: Path) -> None:
    line = {
        "inputs": [{"id": "a", "type": "INT"}],
        "data": {"a": "5"},
        "expect": [{"id": "a", "value": 5, "enabled": True, "error": False}],
    }
    assert run_input(line, tmp_path) is None
    line["expect"] = [{"id": "a", "value": 6}]
    assert "value should be 6" in str(run_input(line, tmp_path))
    merged = {
        "plugin": {"type": "a.T", "l": [2]},
        "flow_defaults": [{"type": "a.", "values": {"l": [1]}}],
        "global_defaults": [],
        "expect": {"l": {"$set": [2, 1]}},
    }
    assert run_default(merged, tmp_path) is None
