"""Rules that look across a whole flow: names, uniqueness, recursion, labels."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mainstem.flowspec.build import Record
from mainstem.flowspec.declarations import check_inputs, check_outputs, check_plugin_defaults
from mainstem.flowspec.notices import check_expressions, deprecations, trigger_notices
from mainstem.flowspec.problems import Problem
from mainstem.flowspec.wording import Wording
from mainstem.model.execution import SYSTEM_LABEL
from mainstem.model.flow_id import FLOW_ID, NAMESPACE, TASK_ID
from mainstem.sdk.fields import as_text
from mainstem.sdk.flowable import ExecutableTask
from mainstem.sdk.registry import Registry
from mainstem.sdk.task import Task
from mainstem.sdk.trigger import Trigger

READ_ONLY: Final = "system.readOnly"
_BRANCHES: Final = ("tasks", "errors", "finally", "afterExecution", "listeners")


@dataclass(frozen=True, slots=True)
class Parsing:
    """The data of a flow after defaults, and what was made of each of its maps."""

    data: dict[str, Any]
    records: Mapping[int, Record]
    wording: Wording
    registry: Registry

    def tasks(self) -> Iterator[Record]:
        """Every task of the tree, parents before children."""
        for branch in _BRANCHES:
            yield from self.within(self.data.get(branch), Task)

    def triggers(self) -> Iterator[Record]:
        yield from self.within(self.data.get("triggers"), Trigger)

    def within(self, value: object, base: type | tuple[type, ...]) -> Iterator[Record]:
        """The plug-ins of a kind inside some data, in the order of the source."""
        if isinstance(value, dict):
            record = self.records.get(id(value))
            if record is not None and isinstance(record.made, base):
                yield record
            for item in value.values():
                yield from self.within(item, base)
        elif isinstance(value, list):
            for item in value:
                yield from self.within(item, base)


def check(parsing: Parsing) -> Iterator[Problem]:
    """Every broken rule and every warning."""
    yield from _flow_names(parsing)
    tasks, triggers = list(parsing.tasks()), list(parsing.triggers())
    yield from _plugin_ids(parsing, [*tasks, *triggers])
    yield from _duplicates(parsing, tasks, "task id", "duplicate-task-id")
    yield from _duplicates(parsing, triggers, "trigger id", "duplicate-trigger-id")
    yield from _recursion(parsing, tasks)
    yield from _labels(parsing)
    lists = [parsing.data.get("inputs")]
    lists += [record.properties.get("onResume") for record in tasks]
    for declared in lists:
        if isinstance(declared, list):
            yield from check_inputs(declared, parsing.wording)
    yield from check_outputs(parsing.data.get("outputs"), parsing.wording)
    for name in ("pluginDefaults", "taskDefaults"):
        listed = parsing.data.get(name)
        yield from check_plugin_defaults(listed, parsing.registry, parsing.wording)
    yield from deprecations(parsing.records.values(), parsing.registry, parsing.wording)
    yield from trigger_notices(triggers, parsing.wording)
    yield from check_expressions(parsing.data, parsing.wording)


def check_part(parsing: Parsing) -> Iterator[Problem]:
    """The rules that hold for a task or trigger by itself."""
    plugins = list(parsing.within(parsing.data, (Task, Trigger)))
    yield from _plugin_ids(parsing, plugins)
    yield from deprecations(parsing.records.values(), parsing.registry, parsing.wording)
    yield from check_expressions(parsing.data, parsing.wording)


def _flow_names(parsing: Parsing) -> Iterator[Problem]:
    data, say = parsing.data, parsing.wording.problem
    name = as_text(data.get("id"))
    if isinstance(name, str):
        if not name.strip():
            yield say(data, "id", "blank-flow-id", "must not be blank")
        elif not FLOW_ID.fullmatch(name):
            yield say(data, "id", "invalid-id", f'must match "^{FLOW_ID.pattern}"')
        elif len(name) > 100:
            yield say(data, "id", "invalid-id", "size must be between 1 and 100")
    namespace = as_text(data.get("namespace"))
    if isinstance(namespace, str):
        pattern = f'must match "^{NAMESPACE.pattern}"'
        if not NAMESPACE.fullmatch(namespace):
            code = "invalid-namespace" if namespace else "blank-namespace"
            yield say(data, "namespace", code, pattern)
        elif len(namespace) > 150:
            yield say(data, "namespace", "invalid-namespace", "size must be between 1 and 150")


def _plugin_ids(parsing: Parsing, records: list[Record]) -> Iterator[Problem]:
    for record in records:
        name = as_text(record.properties.get("id"))
        if isinstance(name, str) and not TASK_ID.fullmatch(name):
            code, message = "invalid-id", f'must match "^{TASK_ID.pattern}"'
            if not name.strip():
                code, message = "blank-id", "must not be blank"
            yield parsing.wording.problem(record.properties, "id", code, message)


def _duplicates(parsing: Parsing, records: list[Record], what: str, code: str) -> Iterator[Problem]:
    first: dict[str, dict[str, Any]] = {}
    for record in records:
        name = as_text(record.properties.get("id"))
        if not isinstance(name, str):
            continue
        if name not in first:
            first[name] = record.properties
            continue
        at = parsing.wording.position(first[name], "id")
        hint = f"The first one is in line {at.line}; rename one of them."
        if first[name] is record.properties:
            hint = f"An alias repeats the one in line {at.line}; give each its own id."
        message = f"Duplicate {what} with name [{name}]"
        yield parsing.wording.problem(record.properties, "id", code, message, suggestion=hint)


def _recursion(parsing: Parsing, tasks: list[Record]) -> Iterator[Problem]:
    own = (as_text(parsing.data.get("namespace")), as_text(parsing.data.get("id")))
    for record in tasks:
        if record.kind is None or not issubclass(record.kind, ExecutableTask):
            continue
        called = tuple(as_text(record.properties.get(name)) for name in ("namespace", "flowId"))
        if called == own:
            message = f"Recursive call to flow [{own[0]}.{own[1]}]"
            yield parsing.wording.problem(record.properties, "flowId", "recursive-flow", message)


def _labels(parsing: Parsing) -> Iterator[Problem]:
    labels = parsing.data.get("labels")
    for container, key, name, value in _label_entries(labels):
        if name.startswith(SYSTEM_LABEL) and name != READ_ONLY:
            message = "System labels can only be set by Kestra itself, offending label: "
            message += f"{name}={value}"
            yield parsing.wording.problem(container, key, "system-label", message)


def _label_entries(labels: object) -> Iterator[tuple[object, str, str, object]]:
    if isinstance(labels, dict):
        for key, value in labels.items():
            yield labels, key, key, value
    elif isinstance(labels, list):
        for item in labels:
            if isinstance(item, dict) and isinstance(item.get("key"), str):
                yield item, "key", item["key"], item.get("value")
