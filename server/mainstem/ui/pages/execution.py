"""One execution: its tabs, and what it may be asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from mainstem.model.execution import Execution, TaskRun
from mainstem.model.log import Level, LogLine
from mainstem.model.metric import Metric, MetricKind
from mainstem.model.state import State
from mainstem.services.search import LogFilter
from mainstem.ui import dbt, gantt, painting, topology_svg
from mainstem.ui import format as words
from mainstem.ui.desk import Desk, desk
from mainstem.ui.flash import redirect
from mainstem.ui.render import Crumb, Frame, execution_link, flow_link, link
from mainstem.ui.security import PostedForm

router = APIRouter()
_LONGEST_EXPRESSION = 20_000
_RUNS_OFFERED = 500
PATH = "/executions/{namespace}/{flow_id}/{execution_id}"
_FAILURES = 5
_ERROR_LINES = 20
_RESTARTABLE = frozenset({State.FAILED, State.PAUSED, State.KILLED})


@dataclass(frozen=True, slots=True)
class Failure:
    """A task run that failed, with its last error lines."""

    run: TaskRun
    lines: Sequence[LogLine]
    log_href: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One execution with its task runs, as one request sees it."""

    execution: Execution
    runs: list[TaskRun]
    base: str
    now: datetime

    @property
    def has_dbt(self) -> bool:
        return any(run.dynamic for run in self.runs)


def seen(here: Desk, execution_id: str) -> Seen:
    """Load what every tab needs; raises NotFound."""
    execution = here.services.executions.get(execution_id)
    runs = here.services.executions.task_runs(execution_id)
    execution, runs = here.services.secret_reads.starred(execution, runs)
    flow = execution.flow
    base = execution_link(flow.namespace, flow.id, execution.id)
    return Seen(execution, runs, base, here.clock.now())


def frame_of(found: Seen) -> Frame:
    """Breadcrumb, title and live topic of an execution's pages."""
    flow = found.execution.flow
    return Frame(
        "executions",
        found.execution.id[:8],
        (
            Crumb("Executions", link("executions")),
            Crumb(flow.namespace, link("namespaces", flow.namespace)),
            Crumb(flow.id, flow_link(flow.namespace, flow.id)),
        ),
        (f"execution:{found.execution.id}",),
    )


def common(found: Seen, tab: str) -> dict[str, object]:
    """What header, actions and tabs show."""
    runs, base = found.runs, found.base
    tabs: list[tuple[str, str, str, int | None]] = [
        ("overview", "Overview", base, None),
        ("gantt", "Gantt", f"{base}/gantt", None),
        ("logs", "Logs", f"{base}/logs", None),
        ("topology", "Topology", f"{base}/topology", None),
        ("outputs", "Outputs", f"{base}/outputs", None),
        ("metrics", "Metrics", f"{base}/metrics", None),
        ("context", "Context", f"{base}/context", None),
    ]
    if found.has_dbt:
        tabs.append(("dbt", "dbt", f"{base}/dbt", sum(run.dynamic for run in runs)))
    state = found.execution.state
    return {
        "execution": found.execution,
        "base": base,
        "tab": tab,
        "tabs": tabs,
        "progress": {"done": sum(r.state.is_terminal for r in runs), "total": len(runs)},
        "can_restart": (state.is_terminal or state.is_paused)
        and any(run.state in _RESTARTABLE for run in runs),
    }


def show(request: Request, tab: str, context: dict[str, object], found: Seen) -> Response:
    """Render one tab as a page."""
    return desk(request).renderer.page(
        request, f"execution_{tab}", frame_of(found), common(found, tab) | context
    )


@router.get(PATH)
@router.get(PATH + "/overview")
def page_overview(request: Request, namespace: str, flow_id: str, execution_id: str) -> Response:
    """The first tab; an address with another flow leads to the right one."""
    here = desk(request)
    found = seen(here, execution_id)
    flow = found.execution.flow
    if (namespace, flow_id) != (flow.namespace, flow.id):
        return RedirectResponse(found.base, status_code=303)
    return show(request, "overview", _overview(here, found), found)


@router.get(PATH + "/_overview")
def part_overview(request: Request, execution_id: str) -> Response:
    """The body of the first tab."""
    here = desk(request)
    found = seen(here, execution_id)
    context = common(found, "overview") | _overview(here, found)
    return here.renderer.part(request, "execution_overview", context)


@router.get(PATH + "/_header")
def part_header(request: Request, execution_id: str) -> Response:
    """State, duration, origin."""
    found = seen(desk(request), execution_id)
    return desk(request).renderer.part(request, "execution_header", common(found, ""))


@router.get(PATH + "/_actions")
def part_actions(request: Request, execution_id: str) -> Response:
    """The buttons that the state allows."""
    found = seen(desk(request), execution_id)
    return desk(request).renderer.part(request, "execution_actions", common(found, ""))


@router.get(PATH + "/gantt")
def page_gantt(request: Request, execution_id: str) -> Response:
    """Task runs over time."""
    found = seen(desk(request), execution_id)
    return show(request, "gantt", chart_context(found), found)


@router.get(PATH + "/_gantt")
def part_gantt(request: Request, execution_id: str) -> Response:
    """The chart alone."""
    found = seen(desk(request), execution_id)
    return desk(request).renderer.part(request, "execution_gantt", chart_context(found))


@router.get(PATH + "/topology")
def page_topology(request: Request, execution_id: str) -> Response:
    """The flow as it was at this execution's revision, painted with states."""
    here = desk(request)
    found = seen(here, execution_id)
    return show(request, "topology", _drawing(here, found), found)


@router.get(PATH + "/_topology")
def part_topology(request: Request, execution_id: str) -> Response:
    """The drawing alone."""
    here = desk(request)
    return here.renderer.part(request, "topology", _drawing(here, seen(here, execution_id)))


@router.get(PATH + "/metrics")
def page_metrics(request: Request, execution_id: str) -> Response:
    """Figures that tasks reported."""
    here = desk(request)
    found = seen(here, execution_id)
    metrics = [
        {
            "task_id": item.task_id, "label": item.metric.name, "text": figure(item.metric),
            "kind": item.metric.kind.value, "tags": item.metric.tags, "at": item.at,
        }
        for item in here.services.search.metrics(execution_id)
    ]  # fmt: skip
    return show(request, "metrics", {"metrics": metrics}, found)


@router.get(PATH + "/context")
def page_context(request: Request, execution_id: str) -> Response:
    """What expressions of this execution could see."""
    here = desk(request)
    found = seen(here, execution_id)
    source = _source(here, found.execution)
    expression = request.query_params.get("expression", "")[:_LONGEST_EXPRESSION]
    run = request.query_params.get("task_run") or None
    evaluated = None
    if expression.strip():
        evaluated = here.services.evaluation.evaluate(execution_id, expression, run)
    context: dict[str, object] = {
        "variables": painting.variables(source),
        "expression": expression,
        "task_run": run,
        "task_runs": found.runs[:_RUNS_OFFERED],
        "evaluated": evaluated,
    }
    return show(request, "context", context, found)


@router.get(PATH + "/dbt")
def page_dbt(request: Request, execution_id: str) -> Response:
    """Models and tests of the dbt tasks."""
    here = desk(request)
    found = seen(here, execution_id)
    wanted = LogFilter(execution_id=execution_id, level=Level.INFO)
    lines = [item.line for item in here.services.search.lines(wanted, limit=5_000)]
    return show(request, "dbt", {"dbt": dbt.projects(found.runs, lines)}, found)


@router.post(PATH + "/_kill")
def kill(request: Request, execution_id: str, form: PostedForm) -> Response:
    """Ask to end it."""
    execution = desk(request).services.executions.kill(execution_id)
    return _back(execution, "Asked to kill the execution")


@router.post(PATH + "/_restart")
def restart(request: Request, execution_id: str, form: PostedForm) -> Response:
    """Run again what failed."""
    execution = desk(request).services.executions.restart(execution_id)
    return _back(execution, "Asked to restart what failed")


@router.post(PATH + "/_resume")
def resume(request: Request, execution_id: str, form: PostedForm) -> Response:
    """Let a paused execution go on, with the values its pause asks for."""
    given = {
        key.removeprefix("in."): value
        for key, value in form.items()
        if key.startswith("in.") and isinstance(value, str)
    }
    execution = desk(request).services.executions.resume(execution_id, given)
    return _back(execution, "Asked to resume the execution")


@router.post(PATH + "/_replay")
def replay(request: Request, execution_id: str, form: PostedForm) -> Response:
    """A new execution with the same inputs, from a task run on if one is named."""
    run = str(form.get("task_run") or "") or None
    execution = desk(request).services.executions.replay(execution_id, run)
    return _back(execution, "Replaying in a new execution")


def _back(execution: Execution, said: str) -> Response:
    flow = execution.flow
    return redirect(execution_link(flow.namespace, flow.id, execution.id), said)


def chart_context(found: Seen) -> dict[str, object]:
    """The Gantt chart and what draws it."""
    chart = gantt.build(found.execution, found.runs, found.now)
    return {
        "execution": found.execution,
        "base": found.base,
        "chart": chart,
        "gantt_bar": gantt.bar,
        "gantt_axis": gantt.axis,
        "run_href": lambda run: f"{found.base}/logs?task={run.task_id}",
    }


def _overview(here: Desk, found: Seen) -> dict[str, object]:
    metrics = here.services.search.metrics(found.execution.id)
    totals = _totals([(item.task_id, item.metric) for item in metrics])
    return chart_context(found) | {
        "failures": _failures(here, found),
        "figures": totals[:6],
        "parent": found.execution.parent_id,
        "children": here.services.executions.children(found.execution.id),
    }


def _totals(metrics: Sequence[tuple[str, Metric]]) -> list[dict[str, str]]:
    """Counters of each task added up, in order of appearance; timers are left to their tab."""
    sums: dict[tuple[str, str], float] = {}
    for task_id, metric in metrics:
        if metric.kind is not MetricKind.TIMER:
            key = (task_id, metric.name)
            sums[key] = sums.get(key, 0.0) + metric.value
    return [
        {"task_id": task_id, "label": name, "text": _amount(name, value)}
        for (task_id, name), value in sums.items()
    ]


def figure(metric: Metric) -> str:
    """A metric's value in its unit."""
    if metric.kind is MetricKind.TIMER:
        return words.duration(metric.value)
    return _amount(metric.name, metric.value)


def _amount(name: str, value: float) -> str:
    return words.size(value) if "byte" in name or name.endswith("size") else words.number(value)


def _failures(here: Desk, found: Seen) -> list[Failure]:
    """The task runs that failed themselves, not the groups around them."""
    parents = {run.parent_id for run in found.runs}
    failed = [run for run in found.runs if run.state is State.FAILED and run.id not in parents]
    return [_failure(here, found, run) for run in failed[:_FAILURES]]


def _failure(here: Desk, found: Seen, run: TaskRun) -> Failure:
    wanted = LogFilter(execution_id=found.execution.id, task_run_ids=[run.id], level=Level.WARN)
    last = here.services.search.lines(wanted, limit=_ERROR_LINES, newest_first=True)[::-1]
    place = f"?around={last[-1].number}#L{last[-1].number}" if last else f"?task={run.task_id}"
    return Failure(run, [item.line for item in last], f"{found.base}/logs{place}")


def _source(here: Desk, execution: Execution) -> str:
    return here.services.flows.revision(execution.flow, execution.revision).source


def _drawing(here: Desk, found: Seen) -> dict[str, object]:
    plain = painting.from_source(_source(here, found.execution))
    painted = painting.with_runs(plain, found.runs, found.now, found.base)
    label = f"Flow {found.execution.flow.id} with the states of this execution"
    return {
        "drawing": topology_svg.draw(painted, here.assets.url("icons.svg"), label=label),
        "outline": topology_svg.nested_list(painted),
    }
