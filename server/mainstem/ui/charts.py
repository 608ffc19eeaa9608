"""Small charts as SVG: stacked bars over time, ticks of the last runs, a sparkline, a share bar.

Each chart also gives its figures as rows, which pages show as a table behind a disclosure.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from markupsafe import Markup

from mainstem.model.state import State
from mainstem.ui import format as words
from mainstem.ui.states import STACK, look
from mainstem.ui.svg import join, percent, tag

_BAR_AREA: Final = 96.0
_AXIS: Final = 18.0


@dataclass(frozen=True, slots=True)
class Slot:
    """The executions that started in one slot of time, by state, and where a click leads."""

    label: str
    counts: Mapping[State, int]
    href: str | None = None

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Run:
    """One past run as a tick shows it."""

    state: State
    duration: timedelta | None
    title: str
    href: str | None = None


def stacked_bars(slots: Sequence[Slot], *, label: str) -> Markup:
    """Bars over time, states stacked; every bar is a link and says its figures on hover."""
    top = _ceiling(max((slot.total for slot in slots), default=0))
    step = 100 / max(len(slots), 1)
    bars = [_bar(slot, index * step, step, top) for index, slot in enumerate(slots)]
    grid = [_grid_line(value, top) for value in _grid(top)]
    return tag(
        "svg",
        join([*grid, *bars, *_axis_labels(slots, step)]),
        class_="chart bars",
        role="group",
        aria_label=label,
        height=int(_BAR_AREA + _AXIS + 8),
        width="100%",
    )


def _bar(slot: Slot, x: float, step: float, top: int) -> Markup:
    gap = min(step * 0.18, 0.4)
    y = _BAR_AREA + 6
    parts = [
        tag("rect", class_="hit", x=percent(x), width=percent(step), y=0.0, height=_BAR_AREA + 6)
    ]
    for state in STACK:
        height = slot.counts.get(state, 0) / top * _BAR_AREA
        if height:
            y -= height
            parts.append(
                tag(
                    "rect",
                    class_=f"fill-{look(state).family}",
                    x=percent(x + gap / 2),
                    width=percent(step - gap),
                    y=y,
                    height=max(height - 0.5, 1.5),
                )
            )
    body = join([tag("title", _bar_title(slot)), *parts])
    if slot.href and slot.total:
        return tag("a", body, href=slot.href, class_="bar", aria_label=_bar_title(slot))
    return tag("g", body, class_="bar")


def _bar_title(slot: Slot) -> str:
    counts = [f"{look(s).word} {slot.counts[s]}" for s in STACK if slot.counts.get(s)]
    return f"{slot.label}: {', '.join(counts) if counts else 'no executions'}"


def _ceiling(peak: int) -> int:
    """The next round number, so that the axis ends on a value a person would choose."""
    if peak <= 4:
        return 4
    magnitude = 10 ** int(math.log10(peak))
    return next(
        int(step * magnitude) for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * magnitude >= peak
    )


def _grid(top: int) -> list[int]:
    return sorted({0, top // 2, top})


def _grid_line(value: int, top: int) -> Markup:
    y = 6 + _BAR_AREA - value / top * _BAR_AREA
    line = tag("line", class_="grid", x1="0", x2="100%", y1=y, y2=y)
    if not value:
        return line
    return join([line, tag("text", str(value), class_="axis", x="2", y=y + 11)])


def _axis_labels(slots: Sequence[Slot], step: float) -> list[Markup]:
    every = max(1, math.ceil(len(slots) / 8))
    return [
        tag(
            "text",
            slot.label,
            class_="axis",
            x=percent(index * step),
            y=_BAR_AREA + _AXIS + 4,
        )
        for index, slot in enumerate(slots)
        if index % every == 0 and index * step < 94
    ]


def bars_table(slots: Sequence[Slot]) -> tuple[list[str], list[list[str]]]:
    """The figures of stacked bars: a heading and rows, only states that occur."""
    used = [state for state in STACK if any(slot.counts.get(state) for slot in slots)]
    rows = [
        [slot.label, *(str(slot.counts.get(state, 0)) for state in used)]
        for slot in slots
        if slot.total
    ]
    return ["Time", *(look(state).word for state in used)], rows


def ticks(runs: Sequence[Run], *, slots: int = 20, height: int = 20) -> Markup:
    """The last runs, oldest left: height is duration on a log scale, colour is state."""
    shown = list(runs)[-slots:]
    longest = max((_seconds(run) for run in shown), default=0.0)
    offset = slots - len(shown)
    empty = [
        tag("rect", class_="tick-none", x=i * 6, y=height - 2, width=4, height=2)
        for i in range(offset)
    ]
    marks = [_tick(run, (offset + i) * 6, height, longest) for i, run in enumerate(shown)]
    failed = sum(run.state is State.FAILED for run in shown)
    label = f"{words.plural(len(shown), 'run')}, {failed} failed" if shown else "no runs yet"
    return tag(
        "svg",
        join([*empty, *marks]),
        class_="ticks",
        width=slots * 6 - 2,
        height=height,
        role="group",
        aria_label=label,
    )


def _tick(run: Run, x: int, height: int, longest: float) -> Markup:
    share = math.log1p(_seconds(run)) / math.log1p(longest) if longest else 1.0
    tall = max(4.0, share * height)
    body = join(
        [
            tag("title", run.title),
            tag("rect", class_="hit", x=x - 1, y=0, width=6, height=height),
            tag(
                "rect",
                class_=f"fill-{look(run.state).family}",
                x=x,
                y=height - tall,
                width=4,
                height=tall,
                rx=1,
            ),
        ]
    )
    return tag("a", body, href=run.href, tabindex=-1) if run.href else tag("g", body)


def _seconds(run: Run) -> float:
    return max(run.duration.total_seconds(), 0.0) if run.duration else 0.0


def sparkline(values: Sequence[float], *, label: str, width: int = 120, height: int = 24) -> Markup:
    """A line without axes for a trend; a single value is a dot."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    spread = (high - low) or 1.0
    step = (width - 4) / max(len(values) - 1, 1)
    points = [
        (2 + i * step, 2 + (height - 4) * (1 - (value - low) / spread))
        for i, value in enumerate(values)
    ]
    body: list[Markup] = [tag("title", label)]
    if len(points) > 1:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        body.append(tag("polyline", class_="spark-line", points=path))
    if points:
        body.append(tag("circle", class_="spark-dot", cx=points[-1][0], cy=points[-1][1], r=2))
    return tag(
        "svg", join(body), class_="spark", width=width, height=height, role="img", aria_label=label
    )


def share_bar(counts: Mapping[State, int]) -> Markup:
    """One horizontal bar divided by state."""
    total = sum(counts.values())
    x = 0.0
    parts = []
    for state in STACK:
        count = counts.get(state, 0)
        if count:
            width = count / total * 100
            parts.append(
                tag(
                    "rect",
                    tag("title", f"{look(state).word}: {count}"),
                    class_=f"fill-{look(state).family}",
                    x=percent(x),
                    width=percent(max(width - 0.15, 0.2)),
                    y=0,
                    height=8,
                )
            )
            x += width
    return tag(
        "svg",
        join(parts),
        class_="share",
        width="100%",
        height=8,
        role="img",
        aria_label=", ".join(f"{look(s).word} {counts[s]}" for s in STACK if counts.get(s)),
    )


def progress(done: int, total: int, family: str = "running") -> Markup:
    """How much of a whole is done, as a thin bar."""
    share = min(100.0, 100 * done / total) if total else 0.0
    return tag(
        "svg",
        join(
            [
                tag("rect", class_="track", x=0, y=0, width="100%", height=6, rx=3),
                tag(
                    "rect", class_=f"fill-{family}", x=0, y=0, width=percent(share), height=6, rx=3
                ),
            ]
        ),
        class_="progress",
        width="100%",
        height=6,
        role="img",
        aria_label=f"{done} of {total}",
    )


def slot_starts(since: datetime, until: datetime, slots: int) -> list[datetime]:
    """The beginnings of equally long slots that cover a period."""
    length = (until - since) / slots
    return [since + length * index for index in range(slots)]
