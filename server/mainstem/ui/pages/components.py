"""Every component in every state on one page, to be looked at and to be tested."""

from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.model.execution import Attempt, Execution, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level, LogLine
from mainstem.model.state import History, Moment, State
from mainstem.ui import charts, diff, gantt, highlight, topology, topology_svg
from mainstem.ui.desk import desk
from mainstem.ui.render import Frame

router = APIRouter()

_SOURCE = """\
id: gcp_taxi            # a comment
namespace: zoomcamp
tasks:
  - id: extract
    type: io.kestra.plugin.scripts.shell.Commands
    commands:
      - wget -qO- "{{ render(vars.url) }}" | gunzip > {{ vars.file }}
    retries: 3
"""


@router.get("/_components")
def page_components(request: Request) -> Response:
    """The catalogue; nothing on it is real."""
    now = desk(request).clock.now()
    execution, runs = _sample_runs(now)
    flow = _sample_topology()
    context = {
        "bars": charts.stacked_bars(_slots(), label="Executions per hour"),
        "bars_table": charts.bars_table(_slots()),
        "ticks": charts.ticks(_ticks(now)),
        "no_ticks": charts.ticks([]),
        "spark": charts.sparkline([3, 5, 4, 8, 6, 9, 12], label="Rows per run"),
        "share": charts.share_bar({State.SUCCESS: 90, State.FAILED: 7, State.RUNNING: 3}),
        "progress": charts.progress(17, 40),
        "chart": gantt.build(execution, runs, now),
        "gantt_bar": gantt.bar,
        "gantt_axis": gantt.axis,
        "topology": topology_svg.draw(flow, desk(request).assets.url("icons.svg"), label="Sample"),
        "outline": topology_svg.nested_list(flow),
        "source": highlight.lines(_SOURCE),
        "difference": diff.compare(_SOURCE, _SOURCE.replace("retries: 3", "retries: 5")),
        "logs": _logs(now),
        "past": now - timedelta(minutes=4),
        "future": now + timedelta(hours=2),
    }
    frame = Frame("", "Components")
    return desk(request).renderer.page(request, "components", frame, context)


def _slots() -> list[charts.Slot]:
    return [
        charts.Slot(
            f"{hour:02d}:00",
            {
                State.SUCCESS: 4 + hour * 7 % 11,
                State.FAILED: int(hour % 5 == 0),
                State.RUNNING: hour // 23,
            },
            "/ui/_components",
        )
        for hour in range(24)
    ]


def _ticks(now: datetime) -> list[charts.Run]:
    states = [
        State.SUCCESS,
        State.SUCCESS,
        State.FAILED,
        State.SUCCESS,
        State.WARNING,
        State.RUNNING,
    ]
    return [
        charts.Run(state, timedelta(seconds=5 + 9 * i), f"run {i}", "/ui/_components")
        for i, state in enumerate(states * 2)
    ]


def _history(start: datetime, end: datetime | None, state: State, wait: float = 0.4) -> History:
    begun = start + timedelta(seconds=wait)
    moments = [Moment(State.CREATED, start), Moment(State.RUNNING, begun)]
    return History((*moments, Moment(state, end)) if end else tuple(moments))


def _sample_runs(now: datetime) -> tuple[Execution, list[TaskRun]]:
    start = now - timedelta(seconds=42)

    def at(seconds: float) -> datetime:
        return start + timedelta(seconds=seconds)

    def run(position: int, task: str, span: tuple[float, float | None], **more: object) -> TaskRun:
        begin, end = span
        state = more.pop("state", State.SUCCESS)
        history = _history(at(begin), at(end) if end else None, State(str(state)))
        parent = more.pop("parent", None)
        return TaskRun(
            task, "sample", task, history, position, str(parent) if parent else None,
            attempts=() if more.pop("nested", None) else (Attempt(1, history),),
        )  # fmt: skip

    retried = TaskRun(
        "load", "sample", "load", _history(at(14), at(29), State.WARNING), 4, "each",
        attempts=(
            Attempt(1, _history(at(14.4), at(19), State.FAILED)),
            Attempt(2, _history(at(22), at(29), State.SUCCESS)),
        ),
    )  # fmt: skip
    runs = [
        run(1, "extract", (0, 12)),
        run(2, "each", (12, 30), nested=True),
        run(3, "create_table", (12.2, 14), parent="each"),
        retried,
        run(5, "check", (30, 33), state=State.FAILED),
        run(6, "dbt_build", (33, None)),
    ]
    history = _history(start, None, State.RUNNING)
    return Execution("sample", FlowId("demo", "sample"), 3, history), runs


def _sample_topology() -> topology.Topology:
    base = "io.kestra.plugin."
    flow = topology.from_tasks(
        [
            {"id": "set_label", "type": base + "core.execution.Labels"},
            {"id": "extract", "type": base + "scripts.shell.Commands"},
            {
                "id": "if_yellow",
                "type": base + "core.flow.If",
                "then": [
                    {"id": "bq_yellow", "type": base + "gcp.bigquery.Query"},
                    {"id": "merge_yellow", "type": base + "gcp.bigquery.Query"},
                ],
                "else": [{"id": "bq_green", "type": base + "gcp.bigquery.Query"}],
            },
            {
                "id": "models",
                "type": base + "core.flow.Dag",
                "tasks": [
                    {"task": {"id": "stage", "type": base + "dbt.cli.DbtCLI"}},
                    {
                        "task": {"id": "facts", "type": base + "dbt.cli.DbtCLI"},
                        "dependsOn": ["stage"],
                    },
                    {
                        "task": {"id": "zones", "type": base + "dbt.cli.DbtCLI"},
                        "dependsOn": ["stage"],
                    },
                    {
                        "task": {"id": "mart", "type": base + "dbt.cli.DbtCLI"},
                        "dependsOn": ["facts", "zones"],
                    },
                ],
            },
            {
                "id": "purge",
                "type": base + "core.storage.PurgeCurrentExecutionFiles",
                "disabled": True,
            },
        ],
        triggers=[{"id": "monthly", "type": base + "core.trigger.Schedule"}],
        errors=[{"id": "alert", "type": base + "core.log.Log"}],
    )
    states = {
        "set_label": State.SUCCESS, "extract": State.SUCCESS, "if_yellow": State.SUCCESS,
        "bq_yellow": State.SUCCESS, "merge_yellow": State.SUCCESS, "bq_green": State.SKIPPED,
        "models": State.RUNNING, "stage": State.SUCCESS, "facts": State.RUNNING,
        "zones": State.FAILED, "mart": State.CREATED,
    }  # fmt: skip
    return topology.painted(flow, states)


def _logs(now: datetime) -> list[LogLine]:
    trace = 'Traceback (most recent call last):\n  File "load.py", line 4\nValueError: no rows'
    lines = (
        (Level.INFO, "load", "Loaded \x1b[32m104,233\x1b[0m rows into trips_yellow"),
        (Level.DEBUG, "extract", "GET https://example.com/yellow_tripdata_2019-01.csv.gz"),
        (Level.WARN, "load", "Attempt 1 failed, trying again in 3 s"),
        (Level.ERROR, "check", trace),
    )
    return [LogLine(now, level, text, task_id=task) for level, task, text in lines]
