"""The task runs of an execution over time: nested rows, waiting, running and attempts apart.

Positions are percentages of the execution's span: no script is needed and any width fits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from markupsafe import Markup

from mainstem.model.execution import Execution, TaskRun
from mainstem.model.state import History, State
from mainstem.ui import format as words
from mainstem.ui.states import look
from mainstem.ui.svg import join, percent, tag

Kind = Literal["waiting", "running", "attempt", "group"]
_HEIGHT: Final = 22
_STEPS: Final = (
    0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400,
    43200, 86400,
)  # fmt: skip
_WAITING: Final = frozenset({State.CREATED, State.QUEUED, State.PAUSED, State.RETRYING})


@dataclass(frozen=True, slots=True)
class Part:
    """One stretch of a row: where it lies, in percent, and what it says on hover."""

    kind: Kind
    state: State
    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """One task run; `depth` is its nesting, `on_path` that it held up the end."""

    run: TaskRun
    depth: int
    parts: tuple[Part, ...]
    duration: timedelta
    has_children: bool = False
    on_path: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the time axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Gantt:
    """Everything the chart shows; `now` places the now-line while the execution runs."""

    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]
    now: float | None
    span: timedelta


@dataclass(frozen=True, slots=True)
class _Scale:
    start: datetime
    seconds: float

    def x(self, at: datetime) -> float:
        return min(100.0, max(0.0, (at - self.start).total_seconds() / self.seconds * 100))


def build(execution: Execution, runs: Sequence[TaskRun], now: datetime) -> Gantt:
    """Lay out the task runs of one execution as of `now`."""
    start = execution.history.started_at
    ended = execution.history.ended_at
    end = max([ended or now, *(_end(run, now) for run in runs)])
    scale = _Scale(start, max((end - start).total_seconds(), 0.05))
    path = critical_path(runs, now)
    children = _children(runs)
    rows: list[Row] = []
    _rows(None, 0, children, _Painter(scale, now, path), rows)
    return Gantt(
        tuple(rows),
        tuple(_ticks(scale)),
        None if ended else scale.x(now),
        timedelta(seconds=scale.seconds),
    )


@dataclass(frozen=True, slots=True)
class _Painter:
    scale: _Scale
    now: datetime
    path: frozenset[str]


def _children(runs: Sequence[TaskRun]) -> Mapping[str | None, list[TaskRun]]:
    known = {run.id for run in runs}
    children: dict[str | None, list[TaskRun]] = {}
    for run in sorted(runs, key=lambda run: run.position):
        parent = run.parent_id if run.parent_id in known else None
        children.setdefault(parent, []).append(run)
    return children


def _rows(
    parent: str | None,
    depth: int,
    children: Mapping[str | None, list[TaskRun]],
    painter: _Painter,
    out: list[Row],
) -> None:
    for run in children.get(parent, ()):
        nested = run.id in children
        out.append(
            Row(
                run,
                depth,
                tuple(_parts(run, nested, painter)),
                run.history.duration(painter.now),
                nested,
                run.id in painter.path,
            )
        )
        _rows(run.id, depth + 1, children, painter, out)


def _parts(run: TaskRun, nested: bool, painter: _Painter) -> list[Part]:
    if nested:
        return [_part("group", run.state, run.history.started_at, _end(run, painter.now), painter)]
    waits = [
        part
        for part in _stretches(run.history, painter)
        if part.kind == "waiting" or run.attempts == ()
    ]
    tries = [
        _part(
            "attempt",
            attempt.history.current,
            attempt.history.started_at,
            attempt.history.ended_at or painter.now,
            painter,
            f"Attempt {attempt.number}",
        )
        for attempt in run.attempts
    ]
    return waits + tries


def _stretches(history: History, painter: _Painter) -> list[Part]:
    parts = []
    moments = history.moments
    for moment, following in zip(moments, [*moments[1:], None], strict=True):
        if moment.state.is_terminal:
            continue
        kind: Kind = "waiting" if moment.state in _WAITING or moment.state.is_created else "running"
        ends_in = following.state if following and following.state.is_terminal else moment.state
        state = moment.state if kind == "waiting" else ends_in
        until = following.at if following else painter.now
        parts.append(_part(kind, state, moment.at, until, painter))
    return parts


def _part(  # a stretch has these six properties
    kind: Kind, state: State, start: datetime, end: datetime, painter: _Painter, name: str = ""
) -> Part:
    x, right = painter.scale.x(start), painter.scale.x(end)
    title = f"{name or look(state).word}: {words.duration(end - start)}"
    return Part(kind, state, x, max(right - x, 0.0), title)


def _end(run: TaskRun, now: datetime) -> datetime:
    return run.history.ended_at or now


def _ticks(scale: _Scale) -> list[Tick]:
    step = next((s for s in _STEPS if scale.seconds / s <= 7), _STEPS[-1])
    count = min(int(scale.seconds / step), 50)
    return [
        Tick(
            index * step / scale.seconds * 100, f"+{words.duration(index * step)}" if index else "0"
        )
        for index in range(count + 1)
    ]


def critical_path(runs: Sequence[TaskRun], now: datetime) -> frozenset[str]:
    """The leaves that held up the end: from the last to finish back to what it waited for."""
    parents = {run.parent_id for run in runs}
    leaves = [run for run in runs if run.id not in parents]
    path: set[str] = set()
    limit: datetime | None = None
    ordered = sorted(leaves, key=lambda run: (_end(run, now), run.position), reverse=True)
    for run in ordered:
        if limit is None or _end(run, now) <= limit:
            path.add(run.id)
            limit = run.history.started_at
    return frozenset(path) if len(leaves) > 1 else frozenset()


def bar(row: Row, now: float | None = None) -> Markup:
    """One row's drawing; widths are percentages, so rows stay aligned at any size."""
    shapes = [_shape(part, row.on_path) for part in row.parts]
    if now is not None:
        shapes.append(tag("line", class_="now", x1=percent(now), x2=percent(now), y1=0, y2=_HEIGHT))
    return tag(
        "svg",
        join(shapes),
        class_="gantt-bar",
        width="100%",
        height=_HEIGHT,
        role="img",
        aria_label="; ".join(part.title for part in row.parts) or "not started",
    )


def axis(chart: Gantt) -> Markup:
    """The time axis above the rows."""
    marks = [
        tag("text", tick.label, x=percent(tick.x), dx=3, y=14)
        for tick in chart.ticks
        if tick.x < 95
    ]
    lines = [
        tag("line", x1=percent(tick.x), x2=percent(tick.x), y1=4, y2=_HEIGHT)
        for tick in chart.ticks
    ]
    return tag(
        "svg",
        join([*lines, *marks]),
        class_="gantt-axis",
        width="100%",
        height=_HEIGHT,
        aria_hidden="true",
    )


def _shape(part: Part, on_path: bool) -> Markup:
    tall = {"waiting": 4, "group": 8}.get(part.kind, 14)
    marks = f"gantt-{part.kind} fill-{look(part.state).family}"
    if part.state is State.RUNNING and part.kind != "waiting":
        marks += " live"
    return tag(
        "rect",
        tag("title", part.title),
        class_=f"{marks} on-path" if on_path else marks,
        x=percent(part.x),
        width=percent(max(part.width, 0.25)),
        y=(_HEIGHT - tall) // 2,
        height=tall,
        rx=2 if tall > 4 else 1,
    )
