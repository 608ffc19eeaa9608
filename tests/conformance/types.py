"""Runs lines of `types.jsonl`: each built-in type exists and has its properties.

Ours may have more properties and may be laxer about what is required; it must know every
property, alias and enumerated default that the reference documents.
"""

import json
from pathlib import Path
from typing import Any

from mainstem.sdk.flow import Concurrency, Flow, PluginDefault, Sla
from mainstem.sdk.inputs import FlowOutput, Input
from mainstem.sdk.plugin import Plugin, Properties, known_properties, yaml_names
from mainstem.sdk.preconditions import TimeWindow
from mainstem.sdk.registry import UnknownType
from mainstem.sdk.task import Retry, Task, WorkerGroup
from mainstem.sdk.trigger import Trigger
from mainstem.sdk.workfiles import NamespaceFilesOption
from tests.conformance.registry import installed

_MODELS: dict[str, type[Properties]] = {
    "io.kestra.core.models.triggers.AbstractTrigger": Trigger,
    "io.kestra.core.models.tasks.Task": Task,
    "io.kestra.core.models.flows.Output": FlowOutput,
    "io.kestra.core.models.flows.Concurrency": Concurrency,
    "io.kestra.core.models.flows.PluginDefault": PluginDefault,
    "io.kestra.core.models.flows.Flow": Flow,
    "io.kestra.core.models.flows.AbstractFlow": Flow,
    "io.kestra.core.models.tasks.WorkerGroup": WorkerGroup,
    "io.kestra.core.models.tasks.NamespaceFiles": NamespaceFilesOption,
    "io.kestra.core.models.triggers.TimeWindow": TimeWindow,
}
_FAMILIES: tuple[tuple[str, type[Properties]], ...] = (
    ("io.kestra.core.models.flows.input.", Input),
    ("io.kestra.core.models.flows.Input", Input),
    ("io.kestra.core.models.tasks.retrys.", Retry),
    ("io.kestra.core.models.flows.sla.", Sla),
)
_CONSTANTS = {"true": True, "false": False}


def run_line(line: dict[str, Any], corpus_dir: Path) -> str | None:
    """None if our class has what the line lists, `skipped: …`, or what it lacks."""
    name = line["type"]
    kind = _class(name)
    if kind is None:
        if not name.startswith("io.kestra.plugin."):
            return "skipped: a model that is part of others here"
        return "there is no such type"
    wrong = _aliases(line, kind) or _names(line, kind) or _defaults(line, kind)
    return wrong or _required(line, kind)


def _class(name: str) -> type[Properties] | None:
    known = _MODELS.get(name)
    if known is not None:
        return known
    for prefix, kind in _FAMILIES:
        if name.startswith(prefix):
            return kind
    try:
        return installed().find(name)
    except UnknownType:
        return None


def _aliases(line: dict[str, Any], kind: type[Properties]) -> str | None:
    if not issubclass(kind, Plugin):
        return None
    lacking = []
    for alias in line.get("aliases") or ():
        try:
            found = installed().find(alias)
        except UnknownType:
            found = None
        if found is not kind:
            lacking.append(alias)
    return f"does not answer to {', '.join(lacking)}" if lacking else None


def _names(line: dict[str, Any], kind: type[Properties]) -> str | None:
    known = known_properties(kind)
    lacking = [item["name"] for item in line["properties"] if item["name"] not in known]
    return f"lacks the properties {', '.join(lacking)}" if lacking else None


def _defaults(line: dict[str, Any], kind: type[Properties]) -> str | None:
    for item in line["properties"]:
        wanted = _constant(item.get("default"))
        if wanted is None or item["name"] == "type":
            continue
        actual = _default(kind, item["name"])
        if actual is not None and actual != wanted:
            return f"{item['name']} should be {wanted!r} by default but is {actual!r}"
    return None


def _constant(text: str | None) -> Any:
    """A default that can be compared: a boolean, a number, a text or an enum's member."""
    if text is None:
        return None
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text.lstrip("-").isdigit():
        return int(text)
    if text.startswith('"') and text.endswith('"'):
        return json.loads(text)
    owner, _, member = text.rpartition(".")
    return member if owner and member.isupper() and member.isidentifier() else None


def _default(kind: type[Properties], name: str) -> Any:
    for key, field in kind.model_fields.items():
        if name in yaml_names(key, field):
            value = getattr(field.default, "raw", field.default)
            return getattr(value, "name", value) if type(value).__name__ != "ellipsis" else None
    return None


def _required(line: dict[str, Any], kind: type[Properties]) -> str | None:
    wanted = {item["name"] for item in line["properties"] if item["required"]}
    for key, field in kind.model_fields.items():
        names = yaml_names(key, field)
        if field.is_required() and "type" not in names and not wanted & set(names):
            listed = {item["name"] for item in line["properties"]}
            if listed & set(names):
                return f"{names[0]} should not be required"
    return None
