"""A placed flow as SVG: boxes are links, states are painted, and a nested list says the same."""

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from mainstem.ui.states import look
from mainstem.ui.svg import join, tag
from mainstem.ui.topology import Group, Step, Topology
from mainstem.ui.topology_layout import Box, Drawing, Frame, Link, place

_CHARACTERS: Final = 24


def draw(topology: Topology, sprite: str, *, label: str) -> Markup:
    """The whole drawing; `sprite` is the URL of the icon file."""
    drawing = place(topology)
    return tag(
        "svg",
        join(
            [
                tag("defs", _arrow()),
                *(_container(box, sprite) for box in drawing.boxes if box.is_container),
                *(_frame(frame) for frame in drawing.frames),
                *(_link(link) for link in drawing.links),
                *(_node(box, sprite) for box in drawing.boxes if not box.is_container),
            ]
        ),
        class_="topology",
        role="group",
        aria_label=label,
        width=drawing.width,
        height=drawing.height,
        viewBox=f"0 0 {drawing.width:.0f} {drawing.height:.0f}",
        data_zoom="svg",
    )


def size(topology: Topology) -> Drawing:
    """The placed drawing, for tests and for pages that need its extent."""
    return place(topology)


def _arrow() -> Markup:
    return tag(
        "marker",
        tag("path", d="M0,0 L7,3.5 L0,7 z", class_="arrow"),
        id="arrow",
        viewBox="0 0 7 7",
        refX="6",
        refY="3.5",
        markerWidth="7",
        markerHeight="7",
        orient="auto",
    )


def _container(box: Box, sprite: str) -> Markup:
    family = f" st-{look(box.step.state).family}" if box.step.state else ""
    outline = tag("rect", class_="box", x=box.x, y=box.y, width=box.width, height=box.height, rx=6)
    return _linked(
        box.step,
        [tag("title", _title(box.step)), outline, *_head(box, sprite, box.y + 22)],
        f"container{family}",
    )


def _head(box: Box, sprite: str, baseline: float) -> list[Markup]:
    name = _short(box.step.id, int(box.width / 9))
    parts = [
        _icon(sprite, box.step.icon, box.x + 12, baseline - 12, "kind"),
        tag("text", name, class_="name", x=box.x + 34, y=baseline),
    ]
    if box.step.state:
        parts.append(_state(box, sprite, baseline - 12))
    note = box.step.note or box.step.short_type
    inset = 34 if box.step.state else 12
    room = box.width - 34 - len(name) * 7.4 - inset - 8
    if room > len(note) * 6:
        parts.append(
            tag(
                "text",
                note,
                class_="note",
                x=box.x + box.width - inset,
                y=baseline,
                text_anchor="end",
            )
        )
    return parts


def _node(box: Box, sprite: str) -> Markup:
    step = box.step
    marks = ["node"]
    if step.state:
        marks.append(f"st-{look(step.state).family}")
    if step.disabled:
        marks.append("disabled")
    if box.is_trigger:
        marks.append("trigger")
    parts = [
        tag("title", _title(step)),
        tag(
            "rect",
            class_="box",
            x=box.x,
            y=box.y,
            width=box.width,
            height=box.height,
            rx=HEIGHT_TRIGGER if box.is_trigger else 5,
        ),
        _icon(sprite, step.icon, box.x + 12, box.y + 14, "kind"),
        tag("text", _short(step.id, _CHARACTERS), class_="name", x=box.x + 38, y=box.y + 19),
        tag("text", _second_line(step), class_="note", x=box.x + 38, y=box.y + 34),
    ]
    if step.state:
        parts.append(_state(box, sprite, box.y + 14))
    return _linked(step, parts, " ".join(marks))


HEIGHT_TRIGGER: Final = 22


def _second_line(step: Step) -> str:
    kind = step.short_type
    if step.disabled:
        return f"{kind} · disabled"
    return _short(f"{kind} · {step.note}" if step.note else kind, 30)


def _state(box: Box, sprite: str, y: float) -> Markup:
    if box.step.state is None:
        raise ValueError("a state is drawn only where there is one")
    shown = look(box.step.state)
    marks = "state solid" if shown.solid else "state"
    return _icon(sprite, shown.icon, box.x + box.width - 26, y, marks)


def _icon(sprite: str, name: str, x: float, y: float, marks: str) -> Markup:
    return tag(
        "use", href=f"{sprite}#{name}", x=x, y=y, width=16, height=16, class_=f"icon {marks}"
    )


def _linked(step: Step, parts: Sequence[Markup], marks: str) -> Markup:
    if step.href:
        return tag("a", join(parts), href=step.href, class_=marks, aria_label=_title(step))
    return tag("g", join(parts), class_=marks)


def _title(step: Step) -> str:
    parts = [step.id, step.type]
    if step.state:
        parts.append(look(step.state).word)
    if step.note:
        parts.append(step.note)
    if step.disabled:
        parts.append("disabled")
    return ", ".join(parts)


def _frame(frame: Frame) -> Markup:
    marks = "frame errors" if frame.is_errors else "frame"
    outline = tag(
        "rect", class_=marks, x=frame.x, y=frame.y, width=frame.width, height=frame.height, rx=5
    )
    if not frame.label:
        return outline
    name = tag(
        "text",
        _short(frame.label, int(frame.width / 7)),
        class_="branch",
        x=frame.x + 10,
        y=frame.y + 16,
    )
    return join([outline, name])


def _link(link: Link) -> Markup:
    marks = "link dashed" if link.dashed else "link"
    if abs(link.x1 - link.x2) < 1:
        path = f"M{link.x1:.1f},{link.y1:.1f} L{link.x2:.1f},{link.y2:.1f}"
    else:
        bend = (link.y1 + link.y2) / 2
        path = (
            f"M{link.x1:.1f},{link.y1:.1f} C{link.x1:.1f},{bend:.1f} "
            f"{link.x2:.1f},{bend:.1f} {link.x2:.1f},{link.y2:.1f}"
        )
    return tag("path", d=path, class_=marks, marker_end="url(#arrow)")


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: max(limit - 1, 1)]}…"


def nested_list(topology: Topology) -> Markup:
    """The same flow as plain nested lists, for readers who cannot use the drawing."""
    parts = []
    if topology.triggers:
        parts.append(_items("Triggers", topology.triggers))
    parts.append(_items("Tasks", topology.main.steps))
    parts.extend(_items(group.label.capitalize(), group.steps) for group in topology.after)
    return tag("ul", join(parts), class_="outline")


def _items(label: str, steps: Sequence[Step]) -> Markup:
    inner = tag("ol", join(_item(step) for step in steps)) if steps else Markup("")
    return tag("li", tag("span", label or "Tasks", class_="branch"), inner)


def _item(step: Step) -> Markup:
    name = tag("a", step.id, href=step.href) if step.href else tag("span", step.id)
    text = f" {step.short_type}" + (f", {look(step.state).word}" if step.state else "")
    return tag("li", name, text, _branches(step.groups))


def _branches(groups: Sequence[Group]) -> Markup:
    if not groups:
        return Markup("")
    if len(groups) == 1 and not groups[0].label:
        return tag("ol", join(_item(step) for step in groups[0].steps))
    return tag("ul", join(_items(group.label, group.steps) for group in groups))
