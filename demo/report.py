"""What the reader sees: one line per execution while it runs, and tables at the end."""

import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from demo.client import Api, Execution, TaskRun
from demo.processes import DemoError

COLOURS = {"SUCCESS": "32", "WARNING": "33", "FAILED": "31", "KILLED": "31"}
DBT_KINDS = ("model", "seed", "snapshot", "test")


@dataclass
class Report:
    """Prints as things happen and remembers each execution for the summary."""

    api: Api
    started: float = field(default_factory=time.monotonic)
    rows: list[tuple[str, Execution]] = field(default_factory=list)

    def step(self, words: str) -> None:
        print(f"{self._clock()} {words}", flush=True)

    def run(self, namespace: str, flow_id: str, **inputs: str) -> Execution:
        """Start an execution and follow it to its end; anything but success is an error."""
        return self.watch(label(flow_id, inputs), self.api.start(namespace, flow_id, inputs))

    def watch(self, title: str, begun: Execution) -> Execution:
        print(f"{self._clock()} {title:<42} ", end="", flush=True)
        execution, shown = begun, set[str]()
        for execution in self.api.follow(begun.id):
            for run in sorted(execution.task_runs, key=lambda run: run.ended_at):
                if run.ended and run.id not in shown and not dbt_kind(run):
                    shown.add(run.id)
                    print(run.task_id, end=" ", flush=True)
        print(f"{coloured(execution.state)} {execution.seconds:.1f} s{figures(execution)}")
        self.rows.append((title, execution))
        if execution.state not in ("SUCCESS", "WARNING"):
            raise DemoError(self.api.explain(execution))
        return execution

    def backfill(
        self,
        namespace: str,
        flow_id: str,
        triggers: Sequence[str],
        window: tuple[str, str],
        dates: int,
    ) -> list[Execution]:
        """Backfill each trigger over the window and follow what comes, one per trigger and date."""
        before = {execution.id for execution in self.api.executions(namespace, flow_id)}
        for trigger in triggers:
            self.api.backfill(namespace, flow_id, trigger, window)
        done: dict[str, Execution] = {}

        def fresh() -> list[Execution]:
            known = before | done.keys()
            return [run for run in self.api.executions(namespace, flow_id) if run.id not in known]

        wanted = len(triggers) * dates
        while len(done) < wanted:
            what = f"Execution {len(done) + 1} of {wanted} of the backfill of {flow_id}"
            self.api.wait_for(what, lambda: bool(fresh()), 60)
            for execution in fresh():
                title = f"{flow_id} {_scheduled_for(execution)}"
                done[execution.id] = self.watch(title, execution)
        return list(done.values())

    def summary(self) -> str:
        """Every execution with state, duration and what it made, and the rows of each table."""
        lines = [("execution", "state", "seconds", "made")]
        files: Counter[str] = Counter()
        rows: Counter[str] = Counter()
        for title, execution in self.rows:
            made = figures(execution).strip(" ,")
            lines.append((title, execution.state, f"{execution.seconds:.1f}", made))
            if "rows" in execution.outputs:
                loaded = str(execution.outputs["table"])
                files[loaded] += 1
                rows[loaded] += int(execution.outputs["rows"])
        totals = [(name, str(files[name]), f"{rows[name]:,}") for name in rows]
        return f"{table(lines)}\n\n{table([('table', 'files', 'rows loaded'), *totals])}"

    def _clock(self) -> str:
        return f"[{time.monotonic() - self.started:6.1f} s]"


def label(flow_id: str, inputs: dict[str, str]) -> str:
    """A flow and what it was run for: `gcp_taxi yellow 2019-01`."""
    month = "-".join(inputs[name] for name in ("year", "month") if name in inputs)
    return " ".join(part for part in (flow_id, inputs.get("taxi", ""), month) if part)


def _scheduled_for(execution: Execution) -> str:
    variables = (execution.data.get("trigger") or {}).get("variables") or {}
    return f"{execution.inputs.get('taxi', '')} {str(variables.get('date', ''))[:7]}".strip()


def figures(execution: Execution) -> str:
    """Rows for a load, nodes for a dbt build, nothing for the rest."""
    rows = execution.outputs.get("rows")
    if rows is not None:
        return f", {int(rows):,} rows in {str(execution.outputs.get('table')).split('.')[-1]}"
    nodes = Counter(kind for run in execution.task_runs if (kind := dbt_kind(run)))
    if nodes:
        counted = (f"{nodes[kind]} {kind}s" for kind in DBT_KINDS if nodes[kind])
        bad = sum(1 for run in execution.task_runs if dbt_kind(run) and run.state == "FAILED")
        return f", dbt: {', '.join(counted)}, {bad} failed"
    return ""


def dbt_kind(run: TaskRun) -> str:
    """`model`, `test`, … for a task run that stands for a node of a dbt build, else nothing."""
    kind = run.task_id.partition(".")[0]
    return kind if kind in DBT_KINDS and run.parent is not None else ""


def coloured(state: str) -> str:
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ or state not in COLOURS:
        return state
    return f"\x1b[{COLOURS[state]}m{state}\x1b[0m"


def table(lines: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, the first line underlined."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    texts = [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    rule = "  ".join("-" * width for width in widths)
    return "\n".join([texts[0], rule, *texts[1:]])
