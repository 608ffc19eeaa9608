"""The server's HTTP API as the demo uses it, and words for what goes wrong in an execution."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from demo.processes import DemoError

TERMINAL = frozenset({"SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED", "RETRIED", "SKIPPED"})
REFUSED = frozenset({"INVALID", "FAILED", "STALLED"})
CHATTER = frozenset({"TRACE", "DEBUG"})
POLL_SECONDS = 0.2


@dataclass(frozen=True)
class TaskRun:
    """One task run of an execution."""

    data: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.data["id"])

    @property
    def task_id(self) -> str:
        return str(self.data["taskId"])

    @property
    def parent(self) -> str | None:
        return self.data.get("parentTaskRunId")

    @property
    def state(self) -> str:
        return str(self.data["state"]["current"])

    @property
    def seconds(self) -> float:
        return _seconds(self.data["state"])

    @property
    def ended(self) -> bool:
        return self.state in TERMINAL

    @property
    def ended_at(self) -> str:
        return str(self.data["state"]["histories"][-1]["date"])

    @property
    def outputs(self) -> Mapping[str, Any]:
        return self.data.get("outputs") or {}


@dataclass(frozen=True)
class Execution:
    """One execution as the API told it at one moment."""

    data: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.data["id"])

    @property
    def flow(self) -> str:
        return f"{self.data['namespace']}.{self.data['flowId']}"

    @property
    def state(self) -> str:
        return str(self.data["state"]["current"])

    @property
    def ended(self) -> bool:
        return self.state in TERMINAL

    @property
    def seconds(self) -> float:
        return _seconds(self.data["state"])

    @property
    def inputs(self) -> Mapping[str, Any]:
        return self.data.get("inputs") or {}

    @property
    def outputs(self) -> Mapping[str, Any]:
        return self.data.get("outputs") or {}

    @cached_property
    def task_runs(self) -> list[TaskRun]:
        return [TaskRun(item) for item in self.data.get("taskRunList") or ()]

    @property
    def culprits(self) -> list[TaskRun]:
        """Failed task runs that no failed child explains: where the reader should look."""
        failed = [run for run in self.task_runs if run.state in ("FAILED", "KILLED")]
        parents = {run.parent for run in failed}
        return [run for run in failed if run.id not in parents]

    def children(self, task_id: str) -> list[TaskRun]:
        """The task runs below a task, whatever made them."""
        above = {run.id for run in self.task_runs if run.task_id == task_id}
        return [run for run in self.task_runs if run.parent in above]


def _seconds(state: Mapping[str, Any]) -> float:
    """From the first to the last entry of the history, by the server's own clock."""
    moments = [item["date"] for item in state.get("histories") or ()]
    if len(moments) < 2:
        return 0.0
    first, last = (_epoch(text) for text in (moments[0], moments[-1]))
    return max(0.0, last - first)


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


class Api:
    """Calls the server; an answer that is no success becomes a DemoError in its own words."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        # The demo talks to this machine only: proxies of the environment are none of its business.
        self._http = httpx.Client(base_url=self.base_url, timeout=30, trust_env=False)

    def close(self) -> None:
        self._http.close()

    def unlock(self, state: Path) -> None:
        """Use what the server left in its state folder for the owner of this machine."""
        told = json.loads((state / "local.json").read_text())
        self._http.headers["authorization"] = f"Bearer {told['token']}"

    def invite(self, name: str) -> str:
        """A new admin; returns the one-time link by which they choose a password."""
        body = {"name": name, "roles": [{"role": "admin"}]}
        return str(self.call("POST", "/users", json=body)["link"])

    def healthy(self) -> bool:
        try:
            return self._http.get("/health", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def call(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = self._http.request(method, f"/api/v1{path}", **options)
        except httpx.TransportError as problem:
            raise DemoError(f"{method} {path}: the server does not answer ({problem}).") from None
        if answer.status_code >= 400:
            raise DemoError(f"{method} {path} answered {answer.status_code}: {_message(answer)}")
        return answer.json() if answer.content else None

    def save_flow(self, source: str) -> str:
        """Create the flow from its YAML, or update it; returns its id."""
        headers = {"Content-Type": "application/x-yaml"}
        try:
            flow = self.call("POST", "/flows", content=source.encode(), headers=headers)
        except DemoError as problem:
            if "already exists" not in str(problem):
                raise
            parts = dict(_scalar(line) for line in source.splitlines() if _scalar(line)[0])
            path = f"/flows/{parts['namespace']}/{parts['id']}"
            flow = self.call("PUT", path, content=source.encode(), headers=headers)
        return str(flow["id"])

    def is_synced(self, source: str) -> bool:
        """Whether a commit of the Git source is in force; one that is refused is an error."""
        for status in self.call("GET", "/syncs"):
            if status["name"] == source and status["state"] in REFUSED:
                faults = [_fault(item) for item in status.get("problems") or ()]
                raise DemoError(
                    "\n".join([f"The sync of {status['url']} failed: {status['message']}", *faults])
                )
            if status["name"] == source and status.get("good_commit"):
                return True
        return False

    def set_kv(self, namespace: str, key: str, value: str | int) -> None:
        """JSON tells the server the type: quoted text is a STRING whatever it looks like."""
        self.call(
            "PUT",
            f"/namespaces/{namespace}/kv/{key}",
            content=json.dumps(value).encode(),
            headers={"Content-Type": "application/json"},
        )

    def start(
        self, namespace: str, flow_id: str, inputs: Mapping[str, str] | None = None
    ) -> Execution:
        # A part of no consequence keeps the body multipart where there are no inputs.
        parts = [(name, (None, value)) for name, value in (inputs or {}).items()]
        answer = self.call(
            "POST", f"/executions/{namespace}/{flow_id}", files=parts or [("_", (None, ""))]
        )
        return Execution(answer)

    def execution(self, execution_id: str) -> Execution:
        return Execution(self.call("GET", f"/executions/{execution_id}"))

    def executions(self, namespace: str, flow_id: str) -> list[Execution]:
        """The newest hundred executions of a flow, oldest first."""
        query = {"namespace": namespace, "flowId": flow_id, "size": "100", "page": "1"}
        found = self.call("GET", "/executions/search", params=query)["results"]
        return sorted((Execution(item) for item in found), key=_started)

    def logs(self, execution_id: str) -> list[Mapping[str, Any]]:
        logs: list[Mapping[str, Any]] = self.call("GET", f"/logs/{execution_id}")
        return logs

    def backfill(
        self, namespace: str, flow_id: str, trigger_id: str, window: tuple[str, str]
    ) -> None:
        """Ask a Schedule trigger for the dates in the window, `backfill: "true"` as label."""
        start, end = window
        labels = [{"key": "backfill", "value": "true"}]
        self.call(
            "PUT",
            "/triggers",
            json={
                "namespace": namespace,
                "flowId": flow_id,
                "triggerId": trigger_id,
                "backfill": {"start": start, "end": end, "labels": labels},
            },
        )

    def wait_for(self, what: str, ready: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline:
                raise DemoError(f"{what} did not happen within {seconds:.0f} s.")
            time.sleep(POLL_SECONDS)

    def follow(self, execution_id: str, seconds: float = 600) -> Iterator[Execution]:
        """The execution each time it was looked at; the last one has ended."""
        deadline = time.monotonic() + seconds
        while True:
            execution = self.execution(execution_id)
            yield execution
            if execution.ended:
                return
            if time.monotonic() > deadline:
                raise DemoError(
                    f"{execution.flow} {execution_id} is still {execution.state} "
                    f"after {seconds:.0f} s; see {self.page(execution)}"
                )
            time.sleep(POLL_SECONDS)

    def page(self, execution: Execution) -> str:
        """Where a browser shows the execution."""
        namespace, flow_id = execution.data["namespace"], execution.data["flowId"]
        return f"{self.base_url}/ui/executions/{namespace}/{flow_id}/{execution.id}"

    def explain(self, execution: Execution, lines: int = 25) -> str:
        """Why it did not succeed: the failing tasks and the last log lines."""
        words = [f"{execution.flow} {execution.id} ended {execution.state}."]
        words += [f"  task {run.task_id}: {run.state}" for run in execution.culprits]
        told = [entry for entry in self.logs(execution.id) if entry.get("level") not in CHATTER]
        for entry in told[-lines:]:
            words.append(
                f"  {entry.get('level', ''):5} {entry.get('taskId') or '-'}: {_text(entry)}"
            )
        return "\n".join(words)


def _fault(problem: Mapping[str, Any]) -> str:
    place = ":".join(str(problem.get(key, "")) for key in ("path", "line", "column"))
    return f"  {place}: {problem.get('message')}"


def _text(entry: Mapping[str, Any]) -> str:
    return str(entry.get("message") or "").rstrip().replace("\n", "\n        ")[:2000]


def _started(execution: Execution) -> str:
    return str(execution.data["state"].get("startDate") or "")


def _scalar(line: str) -> tuple[str, str]:
    """A top-level `key: value` of YAML, or two empty texts."""
    key, colon, value = line.partition(":")
    return (key, value.strip().strip("'\"")) if colon and key.isidentifier() else ("", "")


def _message(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return answer.text[:500]
    return str(body.get("message") or body.get("detail") or body)[:2000]
