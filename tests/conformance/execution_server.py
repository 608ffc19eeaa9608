"""A real server for the lines that speak HTTP or have triggers."""

import base64
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mainstem.app import App
from mainstem.bus.inprocess import EXECUTIONS, TRIGGERS
from mainstem.engine.live import LiveExecution
from mainstem.errors import InvalidInput
from mainstem.model.execution import Execution, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.log import LogLine
from mainstem.sdk.context import KvEntry
from mainstem.sdk.flow import Flow
from mainstem.services.search import LogFilter
from mainstem.settings import load_settings
from mainstem.storage.uri import parse_uri
from mainstem.store.filters import ExecutionFilter
from tests.api.conftest import Api
from tests.conformance.execution_world import LineWorld, generated, installed

_PATIENCE = 15.0
OVER_HTTP = frozenset({"webhook", "search", "download", "follow", "eval", "validate_inputs"})
Step = Mapping[str, Any]


def is_for_a_server(line: Mapping[str, Any]) -> bool:
    """Whether a line needs routes or triggers, which the world of virtual time has not."""
    ops = {step["op"] for step in line.get("steps") or ()}
    expect = line.get("expect") or {}
    features = set(line.get("features") or ())
    triggered = "triggered_executions" in expect and features & {
        "flow_trigger", "flow_trigger_states", "multiple_condition", "preconditions",
    }  # fmt: skip
    return bool(ops & OVER_HTTP) or "trigger_states" in expect or bool(triggered)


class _Files(Mapping[str, bytes]):
    """Internal storage by URI."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __getitem__(self, uri: str) -> bytes:
        with self._app.storage.open(parse_uri(uri)) as file:
            return file.read()

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


class ServerWorld:
    """What expectations read of a World, out of a server's database."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.files = _Files(app)

    @property
    def now(self) -> datetime:
        return self.app.clock.now()

    @property
    def lives(self) -> set[str]:
        return {execution.id for execution in self.executions()}

    def execution(self, execution_id: str) -> Execution:
        return self.app.executions.get(execution_id)

    def runs(self, execution_id: str) -> list[TaskRun]:
        return self.app.executions.task_runs(execution_id)

    def lines_of(self, execution_id: str) -> list[LogLine]:
        wanted = LogFilter(execution_id=execution_id)
        return [item.line for item in self.app.search.lines(wanted, limit=10_000)]

    def executions(self, flow: FlowId | None = None) -> list[Execution]:
        found = self.app.search.page(ExecutionFilter(), limit=500).executions
        listed = sorted(found, key=lambda each: each.history.started_at)
        return [each for each in listed if flow is None or each.flow == flow]

    def live(self, execution_id: str) -> LiveExecution:
        execution = self.execution(execution_id)
        flow = self.app.flows.load(execution.flow, execution.revision)
        return LiveExecution.load(flow, execution, self.runs(execution_id))


class HttpLine(LineWorld):
    """A line's flows and executions on a server of its own."""

    def __init__(self, line: Mapping[str, Any], corpus: Path) -> None:
        self.line = line
        self.corpus = corpus
        self._folder = tempfile.TemporaryDirectory(prefix="conformance-")
        setup = line.get("setup") or {}
        given: dict[str, object] = {
            "state_dir": self._folder.name,
            "runners.default": "process",
            "variables.globals": setup.get("globals") or {},
        }
        config = setup.get("config") or {}
        if "kestra.url" in config:
            given["server.base_url"] = config["kestra.url"]
        secrets = {
            f"SECRET_{key}": base64.b64encode(str(value).encode()).decode()
            for key, value in (setup.get("secrets") or {}).items()
        }
        environment = {"PATH": "/usr/bin:/bin", **secrets, **(setup.get("env") or {})}
        settings = load_settings(overrides=given, environment={})
        self.app = App(settings, environment=environment, registry=installed())
        self.app.start()
        self.api = Api(self.app)
        self.world = ServerWorld(self.app)  # type: ignore[assignment]
        self.names: dict[str, str] = {}
        self.root: str | None = None
        self.random = ""
        self.ids: list[str] = []
        self.made: list[str] = []
        self.flow = self.load(line["flow"])
        for path in line.get("load") or ():
            self.load(path)
        self._fill(setup)

    def load(self, path: str) -> Flow:
        return self.saved((self.corpus / "flows" / path).read_text())

    def saved(self, source: str) -> Flow:
        saved = self.app.flows.save(source)
        return self.app.flows.load(saved.flow, saved.revision)

    def _fill(self, setup: Mapping[str, Any]) -> None:
        for namespace, entries in (setup.get("kv") or {}).items():
            for key, value in entries.items():
                self.app.kv.set(namespace, KvEntry(key, value, ""))
        for namespace, files in (setup.get("namespace_files") or {}).items():
            for path, content in files.items():
                self.app.files.write(namespace, path, content.encode())
        state = setup.get("trigger_state")
        if state is not None and "disabled" in state:
            wanted = (self.flow.flow_id, state["trigger_id"], state["disabled"])
            if not self.app.triggers.set_disabled(*wanted):
                raise InvalidInput(f"there is no trigger {state['trigger_id']}")

    def is_flow_trigger(self, flow_id: str) -> bool:
        return False

    def close(self) -> None:
        self.api.close()
        self.app.stop()
        self._folder.cleanup()

    def wait_for(self, fault: Callable[[], str | None]) -> str | None:
        """Ask again whenever something changed, until nothing is wrong or patience is over."""
        changed = threading.Event()
        unsubscribe = self.app.bus.subscribe([EXECUTIONS, TRIGGERS], lambda _topic: changed.set())
        ends = time.monotonic() + _PATIENCE
        try:
            while True:
                changed.clear()
                found = fault()
                if found is None or time.monotonic() > ends:
                    return found
                changed.wait(0.25)
        finally:
            unsubscribe()

    def form(self, inputs: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """A multipart form as a browser sends it; inputs that are null are left out."""
        form: list[tuple[str, Any]] = []
        for key, value in self.given_inputs(inputs).items():
            if isinstance(value, dict) and "$file" in value:
                file = value["$file"]
                content = file.get("content") or generated(file["generate"])
                form.append((key, (file["name"], content.encode())))
            elif value is not None:
                text = value if isinstance(value, str) else json.dumps(value)
                form.append((key, (None, text)))
        return form or [("", (None, ""))]
