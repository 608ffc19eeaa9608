"""Places for nested steps: every group is laid out inside its step, from the inside out.

Top to bottom: a sequence stacks, parallel branches and cases stand side by side, a DAG stands in
layers. All figures are pixels of the drawing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from mainstem.ui.topology import Group, Step, Topology, layers

WIDTH: Final = 216.0
HEIGHT: Final = 44.0
GAP: Final = 26.0
BESIDE: Final = 18.0
PAD: Final = 14.0
HEAD: Final = 34.0
LABEL: Final = 20.0


@dataclass(frozen=True, slots=True)
class Box:
    """A step with its place; a container also holds frames."""

    step: Step
    x: float
    y: float
    width: float
    height: float
    is_container: bool = False
    is_trigger: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """The outline of one group of steps inside a container."""

    label: str
    x: float
    y: float
    width: float
    height: float
    is_errors: bool = False
    outlined: bool = True


@dataclass(frozen=True, slots=True)
class Link:
    """An arrow from the bottom of one thing to the top of another."""

    x1: float
    y1: float
    x2: float
    y2: float
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything placed, outer before inner."""

    width: float
    height: float
    boxes: tuple[Box, ...] = ()
    frames: tuple[Frame, ...] = ()
    links: tuple[Link, ...] = ()

    def moved(self, dx: float, dy: float) -> "Drawing":
        """The same drawing elsewhere."""
        return replace(
            self,
            boxes=tuple(replace(b, x=b.x + dx, y=b.y + dy) for b in self.boxes),
            frames=tuple(replace(f, x=f.x + dx, y=f.y + dy) for f in self.frames),
            links=tuple(
                replace(k, x1=k.x1 + dx, x2=k.x2 + dx, y1=k.y1 + dy, y2=k.y2 + dy)
                for k in self.links
            ),
        )

    def with_(
        self, *others: "Drawing", links: Sequence[Link] = (), frames: Sequence[Frame] = ()
    ) -> "Drawing":
        """This drawing with the content of others on top."""
        return replace(
            self,
            boxes=(*self.boxes, *(b for o in others for b in o.boxes)),
            frames=(*self.frames, *frames, *(f for o in others for f in o.frames)),
            links=(*self.links, *links, *(k for o in others for k in o.links)),
        )


def place(topology: Topology) -> Drawing:
    """Lay out a whole flow: triggers on top, then the tasks, then what runs at the end."""
    parts: list[tuple[Drawing, bool]] = []
    if topology.triggers:
        triggers = [
            Drawing(WIDTH, HEIGHT, (Box(s, 0, 0, WIDTH, HEIGHT, is_trigger=True),))
            for s in topology.triggers
        ]
        parts.append((_beside(triggers), True))
    parts.append((_group(topology.main), False))
    drawn = _stack([part for part, _ in parts], dashed_first=bool(topology.triggers))
    if not topology.after:
        return _padded(drawn)
    ends = [_framed(group) for group in topology.after]
    return _padded(_stack([drawn, _beside(ends)], dashed_first=True))


def _padded(drawing: Drawing) -> Drawing:
    return replace(drawing.moved(2, 2), width=drawing.width + 4, height=drawing.height + 4)


def _step(step: Step) -> Drawing:
    if not step.groups:
        return Drawing(WIDTH, HEIGHT, (Box(step, 0, 0, WIDTH, HEIGHT),))
    single = len(step.groups) == 1 and not step.groups[0].is_errors
    inner = (
        _group(step.groups[0])
        if single and not step.groups[0].label
        else _beside([_framed(group) for group in step.groups])
    )
    width = max(inner.width + 2 * PAD, WIDTH)
    height = HEAD + inner.height + 2 * PAD
    outer = Drawing(width, height, (Box(step, 0, 0, width, height, is_container=True),))
    return outer.with_(inner.moved((width - inner.width) / 2, HEAD + PAD))


def _framed(group: Group) -> Drawing:
    inner = _group(group)
    width = max(inner.width, WIDTH * 0.6) + 2 * PAD
    height = LABEL + inner.height + PAD * 1.5
    frame = Frame(group.label, 0, 0, width, height, group.is_errors)
    return Drawing(width, height, frames=(frame,)).with_(
        inner.moved((width - inner.width) / 2, LABEL + PAD * 0.5)
    )


def _group(group: Group) -> Drawing:
    if group.arrangement == "dag":
        return _dag(group)
    drawn = [_step(step) for step in group.steps]
    if not drawn:
        return Drawing(WIDTH * 0.6, 8)
    return _beside(drawn) if group.arrangement == "parallel" else _stack(drawn)


def _stack(parts: Sequence[Drawing], *, dashed_first: bool = False) -> Drawing:
    width = max(part.width for part in parts)
    out = Drawing(width, 0)
    y = 0.0
    links = []
    for index, part in enumerate(parts):
        if index:
            middle = width / 2
            links.append(
                Link(middle, y - GAP + 2, middle, y - 3, dashed=dashed_first and index == 1)
            )
        out = out.with_(part.moved((width - part.width) / 2, y))
        y += part.height + GAP
    return replace(out.with_(links=links), height=y - GAP)


def _beside(parts: Sequence[Drawing]) -> Drawing:
    x = 0.0
    out = Drawing(0, max(part.height for part in parts))
    for part in parts:
        out = out.with_(part.moved(x, 0))
        x += part.width + BESIDE
    return replace(out, width=x - BESIDE)


def _dag(group: Group) -> Drawing:
    rows = [[_step(step) for step in layer] for layer in layers(group.steps, group.edges)]
    if not rows:
        return Drawing(WIDTH * 0.6, 8)
    drawn_rows = [_beside(row) for row in rows]
    width = max(row.width for row in drawn_rows)
    out, y = Drawing(width, 0), 0.0
    for row in drawn_rows:
        out = out.with_(row.moved((width - row.width) / 2, y))
        y += row.height + GAP * 1.5
    own = {step.id for step in group.steps}
    boxes = {box.step.id: box for box in out.boxes if box.step.id in own}
    links = [
        _between(boxes[source], boxes[target])
        for source, target in group.edges
        if source in boxes and target in boxes
    ]
    return replace(out.with_(links=links), height=y - GAP * 1.5)


def _between(source: Box, target: Box) -> Link:
    return Link(
        source.x + source.width / 2,
        source.y + source.height + 2,
        target.x + target.width / 2,
        target.y - 3,
    )
