"""Steps of corpus lines as HTTP calls."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from mainstem.model.execution import Execution
from tests.conformance.execution_answers import fault_of_answer
from tests.conformance.execution_expect import Expectations
from tests.conformance.execution_server import HttpLine, Step
from tests.conformance.execution_world import Skipped
from tests.engine.harness import moments

_BULK = re.compile(r"(\w+)_by_(ids|query)")
Answer = tuple[int, Any]


class HttpSteps:
    """Performs the steps of a line over HTTP."""

    def __init__(self, line: HttpLine) -> None:
        self.line = line
        self.api = line.api

    def perform(self, step: Step) -> str | None:
        bulk = _BULK.fullmatch(step["op"])
        action = _ACTIONS.get(step["op"]) or (HttpSteps.many if bulk else None)
        if action is None:
            raise Skipped(f"`{step['op']}` over HTTP is not part of this runner")
        found = action(self, step)
        return f"{step['op']}: {found}" if found else None

    # making executions

    def create(self, step: Step) -> str | None:
        flow = self.line.flow
        if "flow" in step:
            flow = self.line.load(step["flow"])
        place = f"{step.get('namespace', flow.namespace)}/{step.get('flow_id', flow.id)}"
        status, answer = self._start(place, step)
        found = fault_of_answer(step, status, answer)
        if found or status >= 300:
            return found
        execution_id = str(answer["id"])
        self.line.ids = [execution_id]
        self.line.made.append(execution_id)
        if "as" in step:
            self.line.names[step["as"]] = execution_id
        if self.line.root is None and step["op"] != "create_other":
            self.line.root = execution_id
        return self._immediate(step, answer) or self._settled(step, execution_id)

    def _start(self, place: str, step: Step) -> Answer:
        inputs = step.get("inputs", self.line.line.get("inputs"))
        if step["op"] == "create_other":
            inputs = step.get("inputs")
        labels = step.get("labels") or self.line.line.get("labels") or {}
        params = [("labels", f"{key}:{value}") for key, value in labels.items()]
        params += parse_qsl(step.get("labels_query", ""), keep_blank_values=True)
        for key, name in (("schedule_date", "scheduleDate"), ("revision", "revision")):
            if key in step:
                params.append((name, str(self.line.placeholder(str(step[key])) or step[key])))
        if step.get("wait"):
            params.append(("wait", "true"))
        form = self.line.form(inputs or {})
        return self._ask("POST", f"/executions/{place}", params=params, files=form)

    def create_many(self, step: Step) -> str | None:
        made: list[str] = []
        for _ in range(step["count"]):
            found = self.create({**step, "op": "create"})
            if found:
                return found
            made += self.line.ids
        self.line.ids = made
        return None

    def update_flow(self, step: Step) -> str | None:
        """Another revision of the line's flow: from a file, or as written in the step."""
        source = step.get("source") or step.get("inline") or step.get("yaml")
        self.line.flow = self.line.saved(source) if source else self.line.load(step["flow"])
        return None

    # looking

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
        seen = step.get("expect_states_seen")
        none_yet = expect.pop("triggered_count_after_1s", None)
        if none_yet is not None and len(self.line.world.executions()) != none_yet + 1:
            return "an execution was triggered too early"
        return self.line.wait_for(lambda: self._fault_now(dict(expect), seen, execution_id))

    def _fault_now(
        self, expect: dict[str, Any], seen: Iterable[str] | None, execution_id: str
    ) -> str | None:
        world = self.line.world
        if expect.pop("not_found", None):
            lines = expect.pop("log_count", None)
            left = [x for x in world.lines_of(execution_id) if x.level >= 20 and x.task_id]
            if execution_id in world.lives:
                return "is still there"
            wrong = lines is not None and len(left) != lines["count"]
            return f"{len(left)} log lines are left" if wrong else None
        if seen and not set(seen) <= set(moments(world.execution(execution_id))):
            return f"states seen: {moments(world.execution(execution_id))}"
        wanted, refused = expect.pop("all_state", None), expect.pop("all_state_not", None)
        for each in self.line.ids if wanted or refused else ():
            state = world.execution(each).state.value
            if (wanted and state != wanted) or state == refused:
                return f"{each} is {state}"
        total = expect.pop("execution_total", None)
        if total not in (None, len(world.executions())):
            return f"{len(world.executions())} executions"
        return Expectations(self.line, execution_id).fault(expect) if expect else None

    def _immediate(self, step: Step, answer: Mapping[str, Any]) -> str | None:
        """What the reply itself tells. States are those that were entered: a server goes on."""
        expect = dict(step.get("expect_immediate") or {})
        same = expect.pop("same_execution_id", None)
        if same not in (None, answer["id"] == self.line.named(step.get("on"))):
            return f"is the same execution: {not same}"
        state = expect.pop("state", None)
        entered = [item["state"] for item in answer["state"]["histories"]]
        if state is not None and state not in entered:
            return f"has been {entered}"
        told = {"flow_id": "flowId", "parent_id": "parentId", "inputs": "inputs", "url": "url"}
        match = Expectations(self.line, str(answer["id"])).match
        for key, name in told.items():
            if key in expect:
                found = match.fault(expect[key], answer.get(name), key)
                if found:
                    return found
        return None

    def search(self, step: Step) -> str | None:
        path = str(step.get("path") or "/executions/search")
        status, answer = self._ask("GET", path, params=self._query(step))
        total = step.get("expect_total")
        if total is not None and answer.get("total") != total:
            return f"finds {answer.get('total')}, not {total}"
        return fault_of_answer(step, status, answer)

    def _query(self, step: Step) -> list[tuple[str, str]]:
        params: list[tuple[str, str]] = []
        for key, value in (step.get("query") or {}).items():
            values = value if isinstance(value, list) else [value]
            params += [(key, str(self.line.placeholder(str(v)) or v)) for v in values]
        labels = step.get("labels") or {} if step["op"] == "search" else {}
        return params + [("labels", f"{key}:{value}") for key, value in labels.items()]

    def download(self, step: Step) -> str | None:
        execution = self.line.execution()
        uri = self._uri(str(step["path"]), execution)
        path = f"/executions/{execution.id}/file"
        status, answer = self._ask("GET", path, params={"path": uri})
        found = fault_of_answer(step, status, answer)
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
        path = f"/executions/{flow.namespace}/{flow.id}/validate"
        given = step.get("inputs", self.line.line.get("inputs"))
        status, answer = self._ask("POST", path, files=self.line.form(given or {}))
        found = fault_of_answer(step, status, answer)
        if found or "expect" not in step:
            return found
        execution = self.line.root or "none"
        return Expectations(self.line, execution).match.fault(step["expect"], answer, "answer")

    def eval(self, step: Step) -> str | None:
        execution_id = self.line.named(step.get("on"))
        run = self._run(execution_id, step)
        path = f"/executions/{execution_id}/eval"
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
        """The task run that a step names by place, or by task and values."""
        runs = self.line.world.runs(execution_id)
        index = step.get("from_taskrun_index", step.get("taskrun_index"))
        if "from_taskrun_id" in step:
            return str(step["from_taskrun_id"])
        if index is not None:
            return runs[index].id
        task = step.get("from_task") or step.get("task")
        if task is None:
            return None
        values = step.get("from_values") or step.get("values")
        name = f"{task}[{','.join(values)}]" if values else task
        found = Expectations(self.line, execution_id).run_named(str(name))
        return found.id if found else "unknown"

    # acting

    def webhook(self, step: Step) -> str | None:
        flow = self.line.flow
        namespace, name = step.get("namespace", flow.namespace), step.get("flow_id", flow.id)
        options: dict[str, Any] = {"params": parse_qsl(step.get("query", ""))}
        if "headers" in step:
            options["headers"] = step["headers"]
        if "json" in step:
            options["json"] = step["json"]
        elif "body" in step:
            options["content"] = step["body"]
        before = len(self.line.world.executions())
        path = f"/executions/webhook/{namespace}/{name}/{step['key']}"
        status, answer = self._ask(step.get("method", "POST"), path, **options)
        found = fault_of_answer(step, status, answer)
        expect = dict(step.get("expect") or {})
        created = expect.pop("created", None)
        if found is None and created is not None:
            made = len(self.line.world.executions()) > before
            if made is not created or (made and not answer.get("id")):
                found = f"an execution is made: {made}"
        if found is not None or not answer.get("id"):
            return found
        self.line.root = self.line.root or str(answer["id"])
        return self._called(expect, str(answer["id"])) if expect else None

    def _called(self, expect: dict[str, Any], execution_id: str) -> str | None:
        execution = self.api.wait(execution_id)
        trigger = expect.pop("trigger", None)
        expectations = Expectations(self.line, execution_id)
        if trigger is not None:
            variables = execution.trigger.variables if execution.trigger else {}
            wanted = trigger.get("variables", trigger)
            different = expectations.match.fault(wanted, variables, "trigger")
            if different:
                return different
        return expectations.fault(expect) if expect else None

    def act(self, step: Step) -> str | None:
        """Something asked of one execution whose answer is its state."""
        execution_id = str(step.get("execution_id") or self.line.named(step.get("on")))
        method, path, options = _CALLS[step["op"]](self, step, execution_id)
        status, answer = self._ask(method, f"/executions/{execution_id}{path}", **options)
        found = fault_of_answer(step, status, answer)
        if found or status >= 300:
            return found
        is_execution = isinstance(answer, dict) and "state" in answer
        made = str(answer["id"]) if is_execution else execution_id
        self.line.ids = [made]
        if is_execution:
            found = self._immediate(step, answer)
        return found or self._settled(step, made)

    def many(self, step: Step) -> str | None:
        """Something asked of all executions of the line, or of those a query finds."""
        match = _BULK.fullmatch(step["op"])
        assert match is not None
        action, how = match.groups()
        if action not in _MANY:
            raise Skipped(f"`{step['op']}` over HTTP is not part of this runner")
        method, base, params, body = _MANY[action](step)
        query = [*params.items(), *(self._query(step) if how == "query" else ())]
        ids = [str(each) for each in step.get("ids") or self.line.ids or self.line.made]
        content = body if how == "query" else {**body, "executionsId": ids} if body else ids
        if how == "query" and isinstance(body, dict):
            content = body.get("executionLabels")
        status, answer = self._ask(
            method, f"/executions{base}/by-{how}", params=query, json=content
        )
        found = fault_of_answer(step, status, answer)
        if found or status >= 300:
            return found
        if step.get("expect_count") not in (None, answer.get("count")):
            return f"counts {answer.get('count')}"
        return self._settled(step, ids[0])

    def _ask(self, method: str, path: str, **options: Any) -> Answer:
        answer = self.api.client.request(method, f"/api/v1{path}", **options)
        if "json" in answer.headers.get("content-type", ""):
            return answer.status_code, answer.json()
        return answer.status_code, {"content": answer.content}


Call = tuple[str, str, dict[str, Any]]


def _plain(method: str, path: str) -> Callable[[HttpSteps, Step, str], Call]:
    return lambda _s, _step, _id: (method, path, {})


def _restart(_: HttpSteps, step: Step, _id: str) -> Call:
    revision = {"revision": step["revision"]} if step.get("revision") else {}
    return "POST", "/restart", {"params": revision}


def _replay(steps: HttpSteps, step: Step, execution_id: str) -> Call:
    run = steps._run(execution_id, step)
    params = {"taskRunId": run, "revision": step.get("revision")}
    return "POST", "/replay", {"params": {k: v for k, v in params.items() if v is not None}}


def _resume(steps: HttpSteps, step: Step, _id: str) -> Call:
    return "POST", "/resume", {"files": steps.line.form(step.get("inputs") or {})}


def _task_state(steps: HttpSteps, step: Step, execution_id: str) -> Call:
    run = steps._run(execution_id, step)
    return "POST", "/state", {"json": {"taskRunId": run, "state": step.get("to")}}


def _labels(step: Step) -> list[dict[str, Any]]:
    pairs = (step.get("labels") or {}).items()
    return step.get("labels_list") or [{"key": k, "value": v} for k, v in pairs]


def _status(step: Step) -> str:
    return str(step.get("to") or step.get("status"))


def _delete(step: Step) -> dict[str, str]:
    kinds = (("logs", "deleteLogs"), ("metrics", "deleteMetrics"), ("storage", "deleteStorage"))
    return {name: str(step[key]).lower() for key, name in kinds if key in step}


_CALLS: dict[str, Callable[[HttpSteps, Step, str], Call]] = {
    "kill": _plain("DELETE", "/kill"),
    "pause": _plain("POST", "/pause"),
    "force_run": _plain("POST", "/force-run"),
    "unqueue": _plain("POST", "/unqueue"),
    "get": _plain("GET", ""),
    "restart": _restart,
    "replay": _replay,
    "resume": _resume,
    "change_task_state": _task_state,
    "set_labels": lambda _s, step, _id: ("POST", "/labels", {"json": _labels(step)}),
    "change_status": lambda _s, step, _id: (
        "POST",
        "/change-status",
        {"params": {"status": _status(step)}},
    ),
    "delete": lambda _s, step, _id: ("DELETE", "", {"params": _delete(step)}),
}
Many = tuple[str, str, dict[str, str], Any]
_MANY: dict[str, Callable[[Step], Many]] = {
    "kill": lambda _: ("DELETE", "/kill", {}, None),
    "restart": lambda _: ("POST", "/restart", {}, None),
    "replay": lambda _: ("POST", "/replay", {}, None),
    "resume": lambda _: ("POST", "/resume", {}, None),
    "pause": lambda _: ("POST", "/pause", {}, None),
    "unqueue": lambda _: ("POST", "/unqueue", {}, None),
    "force_run": lambda _: ("POST", "/force-run", {}, None),
    "change_status": lambda step: ("POST", "/change-status", {"newStatus": _status(step)}, None),
    "set_labels": lambda step: ("POST", "/labels", {}, {"executionLabels": _labels(step)}),
    "delete": lambda step: ("DELETE", "", _delete(step), None),
}
_ACTIONS: dict[str, Callable[[HttpSteps, Step], str | None]] = {
    "create": HttpSteps.create,
    "create_again": HttpSteps.create,
    "create_other": HttpSteps.create,
    "create_many": HttpSteps.create_many,
    "update_flow": HttpSteps.update_flow,
    "wait": HttpSteps.wait,
    "check": HttpSteps.wait,
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
        expect = dict(line.get("expect") or {})
        if expect.pop("rejected", False):
            said = expect.get("error_contains") or expect.get("error_exact")
            refused = {"op": "create", "expect_error": True, "expect_error_contains": said}
            return steps.perform(refused)
        for step in line.get("steps") or [{"op": "create", "await": "terminated"}]:
            fault = steps.perform(step)
            if fault:
                return fault
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
