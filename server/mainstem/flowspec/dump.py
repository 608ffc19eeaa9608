"""Flows back to text: one canonical order of properties, readable blocks, stable output."""

from collections.abc import Mapping
from typing import Any, Final

import yaml

from mainstem.flowspec.source import plain_scalar
from mainstem.sdk.flow import Flow

_FLOW_ORDER: Final = (
    "id", "namespace", "description", "labels", "disabled", "inputs", "variables", "concurrency",
    "retry", "sla", "tasks", "errors", "finally", "afterExecution", "listeners", "outputs",
    "triggers", "pluginDefaults", "taskDefaults",
)  # fmt: skip
_PLUGIN_ORDER: Final = ("id", "type", "description", "disabled", "runIf", "dependsOn")
_BRANCHES: Final = ("errors", "finally")


def flow_data(flow: Flow) -> dict[str, Any]:
    """A flow as plain data: the properties that were set, under their YAML names."""
    data = flow.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return {**data, "disabled": flow.disabled, "deleted": flow.deleted}


def dump_flow(flow: Flow) -> str:
    """Canonical YAML of a flow; what is not set or only a default is left out."""
    data = flow_data(flow)
    for name in ("disabled", "deleted"):
        if not data[name]:
            del data[name]
    return dump_data(data)


def dump_data(data: Mapping[str, Any]) -> str:
    """Canonical YAML of a flow's plain data."""
    ordered = _sorted(data, _FLOW_ORDER, {key: _ordered(item) for key, item in data.items()})
    text: str = yaml.dump(
        ordered, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, indent=2
    )
    return text


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return _sorted(value, _PLUGIN_ORDER, {key: _ordered(item) for key, item in value.items()})
    if isinstance(value, (list, tuple)):
        return [_ordered(item) for item in value]
    return value


def _sorted(
    data: Mapping[str, Any], order: tuple[str, ...], values: Mapping[str, Any]
) -> dict[str, Any]:
    first = [key for key in order if key in data]
    last = [key for key in _BRANCHES if key in data and key not in first]
    middle = [key for key in data if key not in first and key not in last]
    return {key: values[key] for key in (*first, *middle, *last)}


class _Dumper(yaml.SafeDumper):
    """Blocks for long text, quotes only where the core schema needs them, no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None
    if "\n" in text:
        style = "|"
    elif not isinstance(plain_scalar(text), str):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_multi_representer(int, lambda dumper, value: dumper.represent_int(int(value)))
_Dumper.add_multi_representer(float, lambda dumper, value: dumper.represent_float(float(value)))
_Dumper.add_representer(bool, yaml.SafeDumper.represent_bool)
