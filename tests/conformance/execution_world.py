"""The world of one corpus line: its flows, what they may use, and its executions by name."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from mainstem.engine.environment import Constants
from mainstem.engine.templates import inline_templates
from mainstem.errors import InvalidInput
from mainstem.expr import ENCRYPTED_TYPE, Scope, render_typed, seal
from mainstem.flowspec.inputs import coerce_output, resolve_inputs
from mainstem.flowspec.parse import parse_flow
from mainstem.model.duration import parse_duration
from mainstem.model.execution import Execution, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.plugins.core.flow import ALIASES, TYPES
from mainstem.sdk.context import KvEntry
from mainstem.sdk.flow import Flow
from mainstem.sdk.inputs import FlowOutput, Input
from mainstem.sdk.registry import Registry
from tests.conformance.execution_others import WorldExecutions
from tests.conformance.execution_tasks import unknown_types, with_fixtures
from tests.engine.harness import START, World

KEY = b"0123456789abcdef0123456789abcdef"


class Skipped(Exception):
    """The line needs what this runner does not have."""


def installed() -> Registry:
    """Every installed plug-in, flow control and the test plug-ins."""
    registry = Registry.installed()
    registry._types.update({k: v for k, v in TYPES.items() if k not in registry._types})
    registry._aliases.update({k: v for k, v in ALIASES.items() if k not in registry._aliases})
    return with_fixtures(registry)


class LineWorld:
    """A World made from a line's `setup`, `flow` and `load`."""

    def __init__(self, line: Mapping[str, Any], corpus: Path) -> None:
        self.line = line
        self.corpus = corpus
        # A clock's moment has fractions of a second, which are printed.
        began = START + timedelta(microseconds=123_456)
        self.world = World(installed(), seed=str(line["id"]), now=began)
        self.world.task_time = timedelta(milliseconds=10)
        self.names: dict[str, str] = {}
        self.root: str | None = None
        self.random = ""
        self.typed = line.get("inputs_mode", "typed") == "typed"
        self.world.executions_api = WorldExecutions(self.world)
        self.world.coerce = self._coerce
        self.world.coerce_outputs = coerce_outputs
        self._apply_setup(line.get("setup") or {})
        for path in line.get("load") or ():
            self.load(path)
        self.flow = self.load(line["flow"])

    def load(self, path: str) -> Flow:
        return self.parsed((self.corpus / "flows" / path).read_text(), path)

    def parsed(self, source: str, path: str = "the flow") -> Flow:
        data = yaml.safe_load(source)
        missing = unknown_types(self.world.registry, data)
        triggers = [t for t in missing if ".trigger." in t or ".condition." in t]
        if missing and set(missing) == set(triggers) and "listeners" not in data:
            data.pop("triggers", None)
            source = yaml.safe_dump(data, sort_keys=False)
        elif missing:
            raise Skipped(f"the types {missing} are not installed")
        parsed = parse_flow(source, self.world.registry)
        if parsed.flow is None:
            raise InvalidInput(f"{path} does not parse: {[p.message for p in parsed.problems]}")
        return self.world.add_flow(inline_templates(parsed.flow, lambda *_: None))

    def _apply_setup(self, setup: Mapping[str, Any]) -> None:
        world = self.world
        envs = {
            key.removeprefix("KESTRA_").lower(): value
            for key, value in (setup.get("env") or {}).items()
        }
        world.constants = Constants(setup.get("globals") or {}, envs)
        world.secrets.update(setup.get("secrets") or {})
        for namespace, entries in (setup.get("kv") or {}).items():
            for key, value in entries.items():
                world.kv[(namespace, key)] = KvEntry(key, value, "JSON")
        for namespace, files in (setup.get("namespace_files") or {}).items():
            for path, content in files.items():
                world.namespace_files[(namespace, path.lstrip("/"))] = content.encode()
        if (setup.get("config") or {}).get("encryption_key"):
            world.encryption_key = KEY

    def is_flow_trigger(self, flow_id: str) -> bool:
        """Whether executions of the flow come from triggers, which this runner has none of."""
        flows = [flows[-1] for key, flows in self.world.flows.items() if key.id == flow_id]
        return any("trigger" in path for path in self.line.get("load") or ()) or bool(
            flows and flows[0].triggers
        )

    # inputs

    def given_inputs(self, inputs: Mapping[str, Any] | None) -> dict[str, Any]:
        return {key: self._given(value) for key, value in (inputs or {}).items()}

    def _given(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("$"):
            return self.placeholder(value)
        if isinstance(value, dict) and "$repeat" in value:
            text, times = value["$repeat"]
            return text * times
        return value

    def _coerce(
        self, flow: Flow, inputs: Mapping[str, object], execution_id: str
    ) -> Mapping[str, object]:
        if not self.typed:
            return inputs
        resolved = resolve_inputs(
            flow.inputs,
            inputs,
            render=lambda text, more: render_typed(text, Scope(dict(more))),
            files=lambda declared, given: self._store(flow, execution_id, declared, given),
            encrypt=self._encrypt,
        )
        return resolved.checked()

    def _encrypt(self, text: str) -> object:
        key = self.world.encryption_key
        if key is None:
            raise InvalidInput("You must configure a base64 encoded AES 256 bit secret key")
        return {"type": ENCRYPTED_TYPE, "value": seal(key, text)}

    def _store(self, flow: Flow, execution_id: str, declared: Input, given: object) -> str:
        if not isinstance(given, dict):
            return str(given)
        file = given["$file"]
        content = file.get("content") or generated(file["generate"])
        namespace = flow.namespace.replace(".", "/")
        uri = (
            f"kestra:///{namespace}/{flow.id}/executions/{execution_id}"
            f"/inputs/{declared.id}/{file['name']}"
        )
        self.world.files[uri] = content.encode()
        return uri

    # names

    def named(self, name: str | None) -> str:
        if name is None or name == "root":
            assert self.root is not None
            return self.root
        return self.names[name]

    def execution(self, name: str | None = None) -> Execution:
        return self.world.execution(self.named(name))

    def runs(self, execution_id: str) -> list[TaskRun]:
        return self.world.runs(execution_id)

    def placeholder(self, text: str) -> Any:
        """The value of `$root.id`, `$taskrun(x).id` and the like; None when it is none."""
        if text == "$random":
            self.random = self.random or self.world.ids()
            return self.random
        moment = re.fullmatch(r"\$now(?:([+-])(\w+))?", text)
        if moment is not None:
            return (self.world.now + _shift(moment[1], moment[2])).isoformat()
        match = re.fullmatch(r"\$taskrun\(([\w-]+)\)\.id", text)
        if match:
            return next(r.id for r in self.runs(self.named(None)) if r.task_id == match[1])
        match = re.fullmatch(r"\$taskrun_index\((\d+)\)\.id", text)
        if match:
            return self.runs(self.named(None))[int(match[1])].id
        match = re.fullmatch(r"\$triggered\[(\d+)\]\.id", text)
        if match:
            others = [x.id for x in self.world.executions() if x.id != self.named(None)]
            return others[int(match[1])]
        match = re.fullmatch(r"\$(root|aux|b)\.(id|flow_id|namespace|revision)", text)
        if match is None:
            return None
        execution = self.execution(match[1])
        values = {
            "id": execution.id,
            "flow_id": execution.flow.id,
            "namespace": execution.flow.namespace,
            "revision": execution.revision,
        }
        return values[match[2]]


def _shift(sign: str | None, length: str | None) -> timedelta:
    """`+1s`, `-PT1H`; nothing is no shift."""
    if not length:
        return timedelta(0)
    text = length.upper()
    if not text.startswith("P"):
        text = f"P{text}" if text.endswith(("D", "W")) else f"PT{text}"
    return parse_duration(text) * (-1 if sign == "-" else 1)


def generated(how: Mapping[str, Any]) -> str:
    return "".join(f"{number:>{how['left_pad']}}\n" for number in range(how["lines"]))


def coerce_outputs(
    declared: Sequence[FlowOutput], values: Mapping[str, object]
) -> Mapping[str, object]:
    """Flow outputs by their declared types."""
    types = {output.id: output.type for output in declared}
    return {key: coerce_output(types[key], value) for key, value in values.items()}


def flow_id(line: Mapping[str, Any]) -> FlowId:
    return FlowId(line["namespace"], line["flow_id"])
