"""What a flow may do but should not: old names, needless triggers, unreadable expressions."""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, Final

from mainstem.expr import parse_problems
from mainstem.flowspec.build import Record
from mainstem.flowspec.problems import Problem
from mainstem.flowspec.wording import Wording
from mainstem.sdk.flow import Flow
from mainstem.sdk.plugin import Plugin, Properties, yaml_names
from mainstem.sdk.registry import Registry

_FLOW_TRIGGER: Final = "io.kestra.plugin.core.trigger.Flow"
_RENAMED: Final = {"name": "id", "options": "values"}
"""Properties of inputs under their old names."""
_NEVER_RENDERED: Final = frozenset({"id", "type", "description", "displayName", "pluginDefaults"})


def deprecations(
    records: Iterable[Record], registry: Registry, wording: Wording
) -> Iterator[Problem]:
    """Types and properties that will go, and types written by an old name."""
    for record in records:
        if record.kind is None:
            continue
        written = record.properties
        if issubclass(record.kind, Plugin):
            yield from _old_type(record.kind, written, registry, wording)
        if record.kind is Flow:
            yield from _old_inputs(written, wording)
        for name in _deprecated(record.kind) & written.keys():
            if not wording.source.came_from_default(written, name):
                message = f"`{name}` is deprecated"
                yield wording.problem(written, name, "deprecated", message, severity="warning")


def _old_type(
    kind: type[Plugin], written: dict[str, Any], registry: Registry, wording: Wording
) -> Iterator[Problem]:
    name = written["type"]
    if kind.DEPRECATED:
        message = f"`{kind.TYPE}` is deprecated"
        yield wording.problem(written, None, "deprecated", message, severity="warning")
    if name in registry.aliases():
        message = f"{name} is replaced by {kind.TYPE}"
        yield wording.problem(written, "type", "old-name", message, severity="warning")


def _old_inputs(flow: dict[str, Any], wording: Wording) -> Iterator[Problem]:
    declared = flow.get("inputs")
    for item in declared if isinstance(declared, list) else ():
        if not isinstance(item, dict):
            continue
        for key, new in _RENAMED.items():
            if key in item:
                yield _old_word(item, key, key, new, wording)
        if item.get("type") == "ENUM":
            yield _old_word(item, None, "ENUM", "SELECT", wording)


def _old_word(
    item: dict[str, Any], key: str | None, old: str, new: str, wording: Wording
) -> Problem:
    hint = f"Write `{new}` instead."
    message = f"`{old}` is deprecated"
    return wording.problem(item, key, "deprecated", message, severity="warning", suggestion=hint)


@cache
def _deprecated(kind: type[Properties]) -> frozenset[str]:
    """The YAML names of a class's deprecated properties."""
    return frozenset(
        name
        for key, field in kind.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and field.json_schema_extra.get("deprecated")
        for name in yaml_names(key, field)
    )


def trigger_notices(triggers: Iterable[Record], wording: Wording) -> Iterator[Problem]:
    """A Flow trigger that no condition narrows."""
    for record in triggers:
        kind, written = record.kind, record.properties
        if kind is None or getattr(kind, "TYPE", None) != _FLOW_TRIGGER:
            continue
        if not written.get("conditions") and not written.get("preconditions"):
            message = (
                "This flow will be triggered for EVERY execution of EVERY flow on your instance. "
                "We recommend adding the preconditions property to the Flow trigger "
                f"'{written.get('id')}'."
            )
            yield wording.problem(written, None, "wide-trigger", message, severity="warning")


def check_expressions(value: object, wording: Wording) -> Iterator[Problem]:
    """Expressions that cannot be read; the flow is stored, for they fail only when rendered."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in _NEVER_RENDERED:
                continue
            if isinstance(item, str):
                yield from _expression(value, key, item, wording)
            else:
                yield from check_expressions(item, wording)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            if isinstance(item, str):
                yield from _expression(value, at, item, wording)
            else:
                yield from check_expressions(item, wording)


def _expression(
    container: object, key: str | int, text: str, wording: Wording
) -> Iterator[Problem]:
    if "{{" not in text and "{%" not in text and "{#" not in text:
        return
    error = parse_problems(text)
    if error is None:
        return
    reason = error.message.partition(" in the expression `")[0]
    found = wording.problem(container, key, "expression-syntax", reason, severity="warning")
    at = wording.source.inside(container, key, error.line, error.column)
    line, column = at if at is not None else (found.line, found.column)
    yield Problem(
        found.path, line, column, found.code, found.message, "warning", None, found.pointer
    )
