"""dbt's JSON log lines, as they come: models and tests become task runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from mainstem.model.log import Level
from mainstem.model.metric import MetricKind
from mainstem.model.state import State
from mainstem.sdk.context import ChildRun, RunContext

_LEVELS: Final = {"debug": Level.DEBUG, "info": Level.INFO, "warn": Level.WARN,
                  "warning": Level.WARN, "error": Level.ERROR, "critical": Level.ERROR}  # fmt: skip
_STATES: Final = {
    "success": State.SUCCESS,
    "pass": State.SUCCESS,
    "warn": State.WARNING,
    "partial success": State.WARNING,
    "error": State.FAILED,
    "fail": State.FAILED,
    "runtime error": State.FAILED,
    "skipped": State.SKIPPED,
    "no-op": State.SKIPPED,
}
_STARTS: Final = frozenset({"NodeStart", "LogStartLine"})
_TOLD_BY_NODES: Final = frozenset({"LogStartLine", "NodeStart", "NodeFinished", "NodeCompiling",
                                   "NodeExecuting"})  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What a run of dbt came to."""

    counts: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, status: str) -> None:
        self.counts[status] = self.counts.get(status, 0) + 1


class DbtEvents:
    """Takes lines of dbt's output; lines that are not dbt's JSON are logged as they are."""

    def __init__(self, ctx: RunContext) -> None:
        self.tally = Tally()
        self.error_lines: list[str] = []
        self._ctx = ctx
        self._open: dict[str, ChildRun] = {}
        self._done: set[str] = set()

    def take(self, line: str) -> bool:
        """Handle a line; False when it is not an event of dbt."""
        if not line.startswith("{"):
            return False
        try:
            event = json.loads(line)
        except ValueError:
            return False
        if not isinstance(event, dict) or not isinstance(event.get("info"), dict):
            return False
        self._event(event["info"], event.get("data") or {})
        return True

    def reconcile(self, results: Mapping[str, Any]) -> None:
        """Take over run_results.json: nodes that were not told, and their figures."""
        for result in results.get("results", []):
            unique_id = str(result.get("unique_id"))
            if unique_id not in self._done:
                self._finish(unique_id, str(result.get("status")), str(result.get("message") or ""))
            self._figures(unique_id, result)

    def close(self) -> None:
        """End what was still open when dbt ended."""
        for unique_id in list(self._open):
            self._finish(unique_id, "error", "dbt ended before this node did")

    def _event(self, info: Mapping[str, Any], data: Mapping[str, Any]) -> None:
        name, message = str(info.get("name")), str(info.get("msg") or "").strip("\n")
        level = _LEVELS.get(str(info.get("level")), Level.INFO)
        node = data.get("node_info") or {}
        unique_id = node.get("unique_id") if isinstance(node, dict) else None
        if unique_id and name in _STARTS:
            self._start(str(unique_id))
        if unique_id and unique_id in self._open and message:
            self._open[unique_id].log(level, message)
        if unique_id and name == "NodeFinished":
            run_result = data.get("run_result") or {}
            status = str(run_result.get("status") or node.get("node_status"))
            self._finish(str(unique_id), status, str(run_result.get("message") or ""))
        if message and name not in _TOLD_BY_NODES:
            self._ctx.log.log(level, message)
        if level >= Level.ERROR and message:
            self.error_lines.append(message.strip())

    def _start(self, unique_id: str) -> None:
        if unique_id not in self._open and unique_id not in self._done:
            self._open[unique_id] = self._ctx.child(unique_id)

    def _finish(self, unique_id: str, status: str, message: str) -> None:
        if unique_id in self._done:
            return
        self._start(unique_id)
        child = self._open.pop(unique_id)
        self._done.add(unique_id)
        key = status.lower()
        state = _STATES.get(key, State.SUCCESS)
        if state is State.FAILED:
            child.log(Level.ERROR, message or f"{unique_id}: {status}")
            self.tally.failures.append(f"{unique_id}: {_first_line(message) or status}")
        self.tally.add(key)
        child.finish(state, {"status": status, "message": message or None})

    def _figures(self, unique_id: str, result: Mapping[str, Any]) -> None:
        name = unique_id.split(".")[-1] if unique_id.count(".") < 3 else unique_id.split(".")[2]
        seconds = result.get("execution_time")
        if isinstance(seconds, (int, float)):
            self._ctx.metric("dbt.node.duration", seconds, MetricKind.TIMER, node=name)
        response = result.get("adapter_response") or {}
        for key, metric in (
            ("rows_affected", "rows.affected"),
            ("bytes_processed", "bytes.processed"),
        ):
            value = response.get(key)
            if isinstance(value, (int, float)) and value >= 0:
                self._ctx.metric(metric, value, node=name)


def _first_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[:2])
