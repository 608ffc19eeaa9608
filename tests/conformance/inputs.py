"""Runs lines of `inputs.jsonl`: resolve declared inputs from given values."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mainstem.errors import InvalidInput
from mainstem.expr import Scope, render_typed
from mainstem.flowspec.inputs import ResolvedInput, nested, rendered_choices, resolve_inputs
from mainstem.sdk.inputs import Input, file_extension


def run_line(line: dict[str, Any], corpus_dir: Path) -> str | None:
    """None if the line holds, `skipped: …`, or what differs."""
    declared = [Input.model_validate(item) for item in line["inputs"]]
    variables = line.get("vars") or {}

    def render(expression: str, more: Mapping[str, object]) -> object:
        return render_typed(expression, Scope({**variables, **more}))

    expect = line["expect"]
    if isinstance(expect, list):
        resolved = resolve_inputs(declared, line["data"], render=render)
        return _compare(expect, resolved.inputs)
    if "extension_of" in expect:
        return _extensions(expect["extension_of"], declared)
    if "nested" in expect:
        return _nesting(line["data"], expect["nested"])
    if "rendered_values" in expect:
        wanted = expect["rendered_values"]
        values = rendered_choices(str(declared[0].expression), render, {})
        return None if list(values) == wanted else f"values should be {wanted}, not {values}"
    if "error" in expect:
        return _refusal(declared, render, expect["error"])
    return f"skipped: unknown expectation {sorted(expect)}"


def _compare(expect: list[dict[str, Any]], found: tuple[ResolvedInput, ...]) -> str | None:
    if [item["id"] for item in expect] != [item.id for item in found]:
        return f"inputs should be {expect}, not {found}"
    for wanted, actual in zip(expect, found, strict=True):
        error = actual.error is not None
        if wanted.get("error") not in (error, None):
            return f"{actual.id}: error should be {wanted['error']} but is {actual.error}"
        if wanted.get("enabled", actual.enabled) != actual.enabled:
            return f"{actual.id}: enabled should be {wanted['enabled']}"
        if "value" in wanted and wanted["value"] != actual.value:
            return f"{actual.id}: value should be {wanted['value']!r}, not {actual.value!r}"
    return None


def _extensions(wanted: dict[str, str], declared: list[Input]) -> str | None:
    for name, extension in wanted.items():
        if file_extension(declared, name) != extension:
            return f"{name} should end with {extension}, not {file_extension(declared, name)}"
    return None


def _nesting(data: dict[str, object], wanted: Any) -> str | None:
    try:
        found = nested(data)
    except InvalidInput as error:
        return None if wanted == {"error": True} else f"should nest but says {error}"
    return None if found == wanted else f"should be {wanted}, not {found}"


def _refusal(declared: list[Input], render: Any, wanted: Any) -> str | None:
    try:
        values = rendered_choices(str(declared[0].expression), render, {})
    except InvalidInput as error:
        if wanted is True or str(wanted) in error.message:
            return None
        return f"should fail with {wanted!r}, not {error.message!r}"
    return f"should fail with {wanted!r} but gives {values}"
