"""Runs lines of `plugin_defaults.jsonl`: merge defaults into one plug-in."""

import re
from pathlib import Path
from typing import Any

from mainstem.flowspec.defaults import inject
from mainstem.sdk.flow import PluginDefault


def run_line(line: dict[str, Any], corpus_dir: Path) -> str | None:
    """None if the line holds, or what differs."""
    defaults = [
        PluginDefault.model_validate(item)
        for item in (*line["flow_defaults"], *line["global_defaults"])
    ]
    aliases = line.get("aliases") or {}
    defaults += [
        item.model_copy(update={"type": aliases[item.type]})
        for item in list(defaults)
        if item.type in aliases
    ]
    merged = inject(line["plugin"], defaults)
    for name, wanted in line["expect"].items():
        actual = _at(merged, name)
        if not _equal(actual, wanted):
            return f"{name} should be {wanted!r} but is {actual!r}"
    return None


def _at(value: Any, name: str) -> Any:
    try:
        for index, key in re.findall(r"\[(\d+)\]|([^.\[\]]+)", name):
            value = value[int(index)] if index else value[key]
    except (KeyError, IndexError, TypeError):
        return None
    return value


def _equal(actual: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict) and set(wanted) == {"$set"}:
        return isinstance(actual, list) and sorted(actual) == sorted(wanted["$set"])
    return bool(actual == wanted)
