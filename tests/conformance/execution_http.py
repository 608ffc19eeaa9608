"""Lines whose steps are HTTP calls, or whose executions come from triggers: a real server."""

import base64
import json
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

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
from tests.conformance.execution_expect import Expectations
from tests.conformance.execution_world import LineWorld, Skipped, generated, installed
from tests.engine.harness import moments

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
        self.flow = self.load(line["flow"])
        for path in line.get("load") or ():
            self.load(path)
        self._fill(setup)

    def load(self, path: str) -> Flow:
        source = (self.corpus / "flows" / path).read_text()
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

    def create(self, flow: Flow, step: Step) -> str:
        """Start an execution with a multipart form, as a browser does."""
        inputs = step.get("inputs", self.line.get("inputs")) or {}
        labels = step.get("labels") or self.line.get("labels") or {}
        form: list[tuple[str, Any]] = []
        for key, value in inputs.items():
            if isinstance(value, dict) and "$file" in value:
                file = value["$file"]
                content = file.get("content") or generated(file["generate"])
                form.append((key, (file["name"], content.encode())))
            else:
                text = value if isinstance(value, str) else json.dumps(value)
                form.append((key, (None, text)))
        params = [("labels", f"{key}:{value}") for key, value in labels.items()]
        made = self.api(
            "POST",
            f"/executions/{flow.namespace}/{flow.id}",
            params=params,
            files=form or [("", (None, ""))],
        )
        return str(made["id"])


class HttpSteps:
    """Performs the steps of a line over HTTP."""

    def __init__(self, line: HttpLine) -> None:
        self.line = line
        self.api = line.api

    def perform(self, step: Step) -> str | None:
        action = _ACTIONS.get(step["op"])
        if action is None:
            raise Skipped(f"`{step['op']}` over HTTP is not part of this runner")
        found = action(self, step)
        return f"{step['op']}: {found}" if found else None

    def create(self, step: Step) -> str | None:
        return self._made(step, self.line.create(self.line.flow, step))

    def create_other(self, step: Step) -> str | None:
        return self._made(step, self.line.create(self.line.load(step["flow"]), {"inputs": {}}))

    def create_many(self, step: Step) -> str | None:
        for _ in range(step["count"]):
            found = self.create({**step, "op": "create"})
            if found:
                return found
        return None

    def _made(self, step: Step, execution_id: str) -> str | None:
        line = self.line
        line.ids.append(execution_id)
        if "as" in step:
            line.names[step["as"]] = execution_id
        if line.root is None and step["op"] == "create":
            line.root = execution_id
        return self._settled(step, execution_id)

    def wait(self, step: Step) -> str | None:
        return self._settled(step, self.line.named(step.get("on")))

    def _settled(self, step: Step, execution_id: str) -> str | None:
        awaited = step.get("await")
        if awaited is not None:

            def reached(execution: Execution) -> bool:
                if awaited == "terminated":
                    return execution.state.is_terminal
                return awaited.upper() in moments(execution)

            self.api.wait(execution_id, reached)
        expect = dict(step.get("expect") or {})
        none_yet = expect.pop("triggered_count_after_1s", None)
        if none_yet is not None and len(self.line.world.executions()) != none_yet + 1:
            return "an execution was triggered too early"
        return Expectations(self.line, execution_id).fault(expect) if expect else None

    def search(self, step: Step) -> str | None:
        params = [(key, str(value)) for key, value in (step.get("query") or {}).items()]
        params += [
            ("labels", f"{key}:{value}") for key, value in (step.get("labels") or {}).items()
        ]
        status, answer = self._ask("GET", "/executions/search", params=params)
        total = step.get("expect_total")
        if total is not None and answer.get("total") != total:
            return f"finds {answer.get('total')}, not {total}"
        return self._answered(step, status, answer)

    def webhook(self, step: Step) -> str | None:
        flow = self.line.flow
        namespace, name = step.get("namespace", flow.namespace), step.get("flow_id", flow.id)
        options: dict[str, Any] = {"params": parse_qsl(step.get("query", ""))}
        if "json" in step:
            options["json"] = step["json"]
        elif "body" in step:
            options["content"] = step["body"]
        before = len(self.line.world.executions())
        path = f"/executions/webhook/{namespace}/{name}/{step['key']}"
        status, answer = self._ask(step.get("method", "POST"), path, **options)
        found = self._answered(step, status, answer)
        expect = dict(step.get("expect") or {})
        created = expect.pop("created", None)
        if found is None and created is not None:
            made = len(self.line.world.executions()) > before
            if made is not created or (made and not answer.get("id")):
                found = f"an execution is made: {made}"
        if found is not None or not answer.get("id"):
            return found
        self.line.root = self.line.root or str(answer["id"])
        if not expect:
            return None
        execution = self.api.wait(str(answer["id"]))
        trigger = expect.pop("trigger", None)
        if trigger is not None:
            variables = execution.trigger.variables if execution.trigger else {}
            wanted = trigger.get("variables", trigger)
            different = Expectations(self.line, execution.id).match.fault(
                wanted, variables, "trigger"
            )
            if different:
                return different
        return Expectations(self.line, execution.id).fault(expect) if expect else None

    def download(self, step: Step) -> str | None:
        execution = self.line.execution()
        uri = self._uri(str(step["path"]), execution)
        path = f"/executions/{execution.id}/file"
        status, answer = self._ask("GET", path, params={"path": uri})
        found = self._answered(step, status, answer)
        if found or status >= 300:
            return found
        content = answer["content"]
        if "expect_content" in step and content.decode() != step["expect_content"]:
            return f"gives {content!r}"
        if "expect_size" in step:
            metas = self.api("GET", f"{path}/metas", params={"path": uri})
            if metas["size"] != step["expect_size"]:
                return f"has {metas['size']} bytes"
        return None

    def _uri(self, text: str, execution: Execution) -> str:
        match = re.match(r"\$root\.(inputs|outputs)\.([\w.-]+)(.*)", text)
        if match is None:
            return text
        kind, key, rest = match.groups()
        root: Any = execution.inputs if kind == "inputs" else self._outputs(execution)
        for part in key.split("."):
            root = root[part]
        uri = str(root)
        return uri.replace(execution.id, "0" * len(execution.id)) if "replaced" in rest else uri

    def _outputs(self, execution: Execution) -> Mapping[str, Any]:
        return {run.task_id: run.outputs for run in self.line.world.runs(execution.id)}

    def follow(self, step: Step) -> str | None:
        expect = step.get("expect") or {}
        events = list(self.api.events(f"/executions/{self.line.named(step.get('on'))}/follow"))
        states = [
            data["state"]["current"]
            for _, data in events
            if isinstance(data, dict) and isinstance(data.get("state"), dict)
        ]
        if len(events) < expect.get("event_count_min", 0):
            return f"only {len(events)} events"
        last = expect.get("last_event_state")
        return (
            None if last in (None, states[-1] if states else None) else f"ends with {states[-1:]}"
        )

    def validate_inputs(self, step: Step) -> str | None:
        flow = self.line.flow
        form = [
            (key, (None, value if isinstance(value, str) else json.dumps(value)))
            for key, value in (step.get("inputs") or {}).items()
        ]
        path = f"/executions/{flow.namespace}/{flow.id}/validate"
        status, answer = self._ask("POST", path, files=form or [("", (None, ""))])
        found = self._answered(step, status, answer)
        if found or "expect" not in step:
            return found
        execution = self.line.root or "none"
        return Expectations(self.line, execution).match.fault(step["expect"], answer, "answer")

    def eval(self, step: Step) -> str | None:
        execution_id = self.line.named(step.get("on"))
        path = f"/executions/{execution_id}/eval"
        run = self._run(execution_id, step)
        path = f"{path}/{run}" if run else path
        status, answer = self._ask("POST", path, content=step["expression"])
        if step.get("expect_http_status", 200) != status:
            return f"answers {status}"
        result = answer.get("result", answer.get("error"))
        wanted = step.get("expect_result")
        if wanted is not None and result != (self.line.placeholder(str(wanted)) or wanted):
            return f"gives {result}, not {wanted}"
        part = step.get("expect_result_contains") or step.get("expect_error_contains")
        if part and part not in str(result):
            return f"gives {result}"
        if "expect_result_json" in step:
            match = Expectations(self.line, execution_id).match
            return match.fault(
                step["expect_result_json"],
                json.loads(str(result)) if str(result).startswith("{") else result,
                "result",
            )
        return None

    def _run(self, execution_id: str, step: Step) -> str | None:
        runs = self.line.world.runs(execution_id)
        if "taskrun_index" in step:
            return runs[step["taskrun_index"]].id
        task = step.get("task")
        if task is None:
            return None
        name = f"{task}[{','.join(step['values'])}]" if step.get("values") else task
        found = Expectations(self.line, execution_id).run_named(str(name))
        return found.id if found else None

    def act(self, step: Step) -> str | None:
        """Something asked of one execution whose answer is its state."""
        execution_id = self.line.named(step.get("on"))
        method, path, options = _CALLS[step["op"]](step)
        status, answer = self._ask(method, f"/executions/{execution_id}{path}", **options)
        found = self._answered(step, status, answer)
        if found or status >= 300:
            return found
        made = answer.get("id") if isinstance(answer, dict) else None
        return self._settled(step, str(made or execution_id))

    def _ask(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        answer = self.api.client.request(method, f"/api/v1{path}", **options)
        if "json" in answer.headers.get("content-type", ""):
            return answer.status_code, answer.json()
        return answer.status_code, {"content": answer.content}

    @staticmethod
    def _answered(step: Step, status: int, answer: Any) -> str | None:
        wanted = step.get("expect_http_status")
        if wanted is None:
            return None if status < 300 else f"answers {status}: {answer}"
        if status != wanted:
            return f"answers {status}, not {wanted}: {answer}"
        text = step.get("expect_error_contains")
        said = json.dumps(answer, default=str)
        return f"says {said}, not `{text}`" if text and text not in said else None


_CALLS: dict[str, Callable[[Step], tuple[str, str, dict[str, Any]]]] = {
    "kill": lambda _: ("DELETE", "/kill", {}),
    "pause": lambda _: ("POST", "/pause", {}),
    "restart": lambda _: ("POST", "/restart", {}),
    "force_run": lambda _: ("POST", "/force-run", {}),
    "unqueue": lambda _: ("POST", "/unqueue", {}),
    "set_labels": lambda step: (
        "POST",
        "/labels",
        {"json": [{"key": k, "value": v} for k, v in (step.get("labels") or {}).items()]},
    ),
    "change_status": lambda step: (
        "POST",
        "/change-status",
        {"params": {"status": step["status"]}},
    ),
    "delete": lambda _: ("DELETE", "", {}),
    "get": lambda _: ("GET", "", {}),
}
_ACTIONS: dict[str, Callable[[HttpSteps, Step], str | None]] = {
    "create": HttpSteps.create,
    "create_again": HttpSteps.create,
    "create_other": HttpSteps.create_other,
    "create_many": HttpSteps.create_many,
    "wait": HttpSteps.wait,
    "search": HttpSteps.search,
    "webhook": HttpSteps.webhook,
    "download": HttpSteps.download,
    "follow": HttpSteps.follow,
    "eval": HttpSteps.eval,
    "validate_inputs": HttpSteps.validate_inputs,
    **dict.fromkeys(_CALLS, HttpSteps.act),
}


def run_http_line(line: Mapping[str, Any], corpus: Path) -> str | None:
    """As `run_line`, on a server of its own."""
    world = HttpLine(line, corpus)
    try:
        steps = HttpSteps(world)
        for step in line.get("steps") or [{"op": "create", "await": "terminated"}]:
            fault = steps.perform(step)
            if fault:
                return fault
        expect = dict(line.get("expect") or {})
        wanted = expect.pop("trigger_states", {})

        def fault_now() -> str | None:
            if world.root is not None and expect:
                found = Expectations(world, world.root).fault(expect)
                if found:
                    return found
            return _trigger_fault(world, wanted)

        return world.wait_for(fault_now)
    finally:
        world.close()


def _trigger_fault(world: HttpLine, wanted: Mapping[str, Mapping[str, Any]]) -> str | None:
    for trigger_id, facts in wanted.items():
        state = world.app.triggers.get(world.flow.flow_id, trigger_id)
        if "disabled" in facts and state.disabled is not facts["disabled"]:
            return f"trigger {trigger_id} is disabled: {state.disabled}"
    return None
