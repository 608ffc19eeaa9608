"""Runs lines of `validation.jsonl`: parse and check a flow, or one part of a flow.

Messages are compared in the wording of the reference API (`problems.violations`), each under its
property path, under the id of the task it belongs to, or without either.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mainstem.flowspec.dump import flow_data
from mainstem.flowspec.parse import ParsedFlow, check_properties, parse_flow
from mainstem.flowspec.problems import Problem, violations
from mainstem.flowspec.source import load
from mainstem.flowspec.update import check_update
from mainstem.flowspec.wording import model_at
from mainstem.model.duration import parse_duration
from mainstem.model.flow_id import FlowId
from mainstem.sdk.checks import date_format_fault, json_fault, pattern_fault, timezone_fault
from mainstem.sdk.data import Data
from mainstem.sdk.flow import Concurrency, Flow, Sla
from mainstem.sdk.inputs import FlowOutput, Input
from mainstem.sdk.plugin import Properties
from mainstem.sdk.preconditions import Preconditions
from mainstem.sdk.registry import UnknownType
from mainstem.sdk.task import Retry, Task
from mainstem.sdk.trigger import Trigger
from tests.conformance.registry import installed, missing_types

_FLOW_TRIGGER = "io.kestra.plugin.core.trigger.Flow"
_KNOWN = re.compile(r"(Unrecognized field \".*?\" \(class [\w.$]+\)).*?properties: (.*)", re.DOTALL)

_MODELS: Mapping[str, type[Properties]] = {
    "retry": Retry,
    "data": Data,
    "sla": Sla,
    "string_input": Input,
    "input": Input,
    "output": FlowOutput,
    "concurrency": Concurrency,
    "task": Task,
    "trigger": Trigger,
    "schedule": Trigger,
    "webhook": Trigger,
}
_TEXTS: Mapping[str, Callable[[str], str | None]] = {
    "regex": pattern_fault,
    "json_string": json_fault,
    "timezone": timezone_fault,
}
_NESTED = {
    "time_window": ("preconditions", "timeWindow"),
    "precondition_filter": ("preconditions", "where", 0, "filters", 0),
}


def run_line(line: dict[str, Any], corpus_dir: Path) -> str | None:
    """None if the line holds, `skipped: …`, or what differs."""
    if any("Enterprise Edition" in text for text in line["violations"]):
        return "skipped: worker groups are part of this engine, not refused"
    inline = dict(line.get("inline") or {})
    model = inline.pop("model", "flow")
    source = json.dumps(inline)
    if "flow" in line:
        source = (corpus_dir / "flows" / line["flow"]).read_text()
    lacking = missing_types(load(source).data, line["violations"])
    if lacking:
        return f"skipped: no plug-in {', '.join(lacking)} yet"
    if model != "flow":
        return _run_model(line, model, inline)
    if line["stage"] == "import":
        return _run_import(line, source)
    return _run_flow(line, source)


def _run_flow(line: dict[str, Any], source: str) -> str | None:
    parsed = parse_flow(source, installed(), lenient=line["stage"] == "parse_lenient")
    problems = list(parsed.problems)
    if line["stage"] == "update" and parsed.flow is not None:
        old = line.get("update_from_inline") or _flow_id(line)
        stored = FlowId(old["namespace"], old["id"])
        problems += check_update(stored, parsed.flow, source=source)
    return (
        _compare(line, problems, load(source).data)
        or _check_warnings(line, problems)
        or _check_parsed(line, parsed)
    )


def _flow_id(line: dict[str, Any]) -> Any:
    return line["update_from"]


def _run_model(line: dict[str, Any], model: str, inline: dict[str, Any]) -> str | None:
    if model in _TEXTS:
        text = inline.get("value", inline.get("timezone"))
        return _compare_texts(line, [_TEXTS[model](str(text))])
    if model == "date_formats":
        return _compare_texts(line, [date_format_fault(text) for text in inline["values"]])
    if model == "plugin_default":
        return _run_plugin_default(line, inline)
    kind = _MODELS.get(model)
    if model in _NESTED:
        try:
            kind = model_at(installed().find(_FLOW_TRIGGER), _NESTED[model])
        except UnknownType:
            kind = model_at(Preconditions, _NESTED[model][1:])
    if kind is None:
        return f"skipped: there is no model {model}"
    inline = _completed(model, inline)
    checked = check_properties(kind, inline, installed())
    return _compare(line, checked.problems, inline) or _check_warnings(line, checked.problems)


def _completed(model: str, inline: dict[str, Any]) -> dict[str, Any]:
    """What upstream's builders leave out because it plays no part there."""
    if model in {"schedule", "webhook", "trigger", "task"}:
        return {"id": "id", **inline}
    return inline


def _run_plugin_default(line: dict[str, Any], inline: dict[str, Any]) -> str | None:
    flow = {
        "id": "flow",
        "namespace": "company",
        "pluginDefaults": [inline],
        "tasks": [{"id": "task", "type": "io.kestra.plugin.core.log.Log", "message": "m"}],
    }
    parsed = parse_flow(json.dumps(flow), installed())
    about = [item for item in parsed.problems if item.pointer.startswith("pluginDefaults")]
    return _compare(line, about, flow)


def _run_import(line: dict[str, Any], source: str) -> str | None:
    from tests.conformance.imports import run_import

    return run_import(line, source, installed())


def _compare_texts(line: dict[str, Any], found: list[str | None]) -> str | None:
    problems = [Problem(None, 1, 1, "invalid-value", text) for text in found if text]
    return _compare(line, problems, {})


def _compare(line: dict[str, Any], problems: Any, data: Any) -> str | None:
    said = violations(list(problems))
    if line["valid"] == bool(said):
        return f"should be {'valid' if line['valid'] else 'invalid'} but has {said}"
    texts = [text for item in said for text in _variants(item, data)]
    for wanted in line["violations"]:
        if not any(_says(text, wanted.rstrip("\n")) for text in texts):
            return f"nothing says {wanted!r}, only {said}"
    count = line.get("violation_count")
    if count is not None and len(said) != count:
        return f"should have {count} violations but has {len(said)}: {said}"
    for part, number in (line.get("violation_match_count") or {}).items():
        if sum(part in text for text in said) != number:
            return f"{part!r} should be said {number} times in {said}"
    allowed = line.get("each_violation_any_of")
    wrong = [text for text in said if allowed and not any(text.endswith(a) for a in allowed)]
    return f"unexpected: {wrong}" if wrong else None


def _says(text: str, wanted: str) -> bool:
    """Whether a wanted text is in ours; lists of known properties may be longer here."""
    expected = _KNOWN.match(wanted)
    if expected is None:
        return wanted in text
    ours = _KNOWN.match(text)
    if ours is None or ours[1] != expected[1]:
        return False
    return set(re.findall(r"\w+", expected[2])) <= set(re.findall(r"\w+", ours[2]))


def _variants(text: str, data: Any) -> list[str]:
    pointer, _, message = text.partition(": ")
    owner = _owner(pointer, data)
    return [text, message, f"{owner}: {message}" if owner else text]


def _owner(pointer: str, data: Any) -> str | None:
    """The id of the innermost task or trigger on the way to a property."""
    owner = None
    for part in re.findall(r"\[(\d+)\]|([^.\[\]]+)", pointer):
        try:
            data = data[int(part[0])] if part[0] else data[part[1]]
        except (KeyError, IndexError, TypeError):
            break
        if isinstance(data, dict) and "id" in data:
            owner = str(data["id"])
    return owner


def _check_warnings(line: dict[str, Any], problems: Any) -> str | None:
    warned = [item for item in problems if not item.is_error]
    for wanted in line.get("warnings") or ():
        if not any(wanted in item.message for item in warned):
            return f"no warning says {wanted!r}"
    for wanted in line.get("infos") or ():
        if not any(wanted in item.message for item in warned):
            return f"no notice says {wanted!r}"
    paths = line.get("deprecation_paths")
    found = sorted(item.pointer for item in warned if item.code == "deprecated")
    if paths is not None and found != sorted(paths):
        return f"deprecated should be {paths} but is {found}"
    return None


def _check_parsed(line: dict[str, Any], parsed: ParsedFlow) -> str | None:
    if parsed.flow is None:
        return None
    text = json.dumps(flow_data(parsed.flow), separators=(",", ":"), default=str)
    for wanted in line.get("serialized_contains") or ():
        if wanted not in text:
            return f"the JSON of the flow lacks {wanted}"
    for unwanted in line.get("serialized_not_contains") or ():
        if unwanted in text:
            return f"the JSON of the flow has {unwanted}"
    for name, wanted in (line.get("parsed") or {}).items():
        actual = _fact(name, parsed.flow)
        if actual != wanted:
            return f"{name} should be {wanted!r} but is {actual!r}"
    return None


_FACTS: Mapping[str, Callable[[Flow], Any]] = {
    "task_count": lambda flow: len(flow.tasks),
    "trigger_count": lambda flow: len(flow.triggers),
    "input_count": lambda flow: len(flow.inputs),
    "inputs_required": lambda flow: sum(item.required for item in flow.inputs),
    "inputs_not_required": lambda flow: sum(not item.required for item in flow.inputs),
    "inputs_with_defaults": lambda flow: sum(item.defaults is not None for item in flow.inputs),
    "string_inputs_with_validator": lambda flow: sum(
        item.type == "STRING" and item.validator is not None for item in flow.inputs
    ),
}


def _fact(name: str, flow: Flow) -> Any:
    if name in _FACTS:
        return _FACTS[name](flow)
    plain, _, seconds = name.partition("_seconds")
    value: Any = flow.model_dump(mode="json", by_alias=True)
    for index, key in re.findall(r"\[(\d+)\]|([^.\[\]]+)", plain if seconds == "" else name):
        value = value[int(index)] if index else value[key]
    if name.endswith("_seconds"):
        return parse_duration(value).total_seconds()
    return value
