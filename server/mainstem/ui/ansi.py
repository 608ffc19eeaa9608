"""Terminal colours in log lines as classed spans; text is escaped before anything else."""

import re
from collections.abc import Iterable
from typing import Final

from markupsafe import Markup, escape

_SEQUENCE: Final = re.compile(r"\x1b\[([0-9;:]*)([A-Za-z])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_NAMES: Final = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_STYLES: Final = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike"}
_STYLE_ENDS: Final = {
    22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("inverse",), 29: ("strike",),
}  # fmt: skip


def to_html(text: str) -> Markup:
    """Render SGR sequences as spans and drop every other control sequence."""
    if "\x1b" not in text:
        return escape(_CONTROL.sub("", text))
    out: list[str] = []
    classes: dict[str, str] = {}
    position = 0
    for match in _SEQUENCE.finditer(text):
        out.append(_span(text[position : match.start()], classes.values()))
        if match[2] == "m":
            _apply(_codes(match[1]), classes)
        position = match.end()
    out.append(_span(text[position:], classes.values()))
    return Markup("".join(out))  # noqa: S704  # every piece was escaped by _span


def plain(text: str) -> str:
    """The text without any control sequence, for searching and downloading."""
    return _CONTROL.sub("", _SEQUENCE.sub("", text))


def _span(text: str, classes: Iterable[str]) -> str:
    content = escape(_CONTROL.sub("", text))
    names = " ".join(classes)
    return f'<span class="{names}">{content}</span>' if names and content else str(content)


def _codes(parameters: str) -> list[int]:
    return [int(part or 0) for part in re.split("[;:]", parameters)]


def _apply(codes: list[int], classes: dict[str, str]) -> None:
    pending = list(codes)
    while pending:
        code = pending.pop(0)
        if code == 0:
            classes.clear()
        elif code in _STYLES:
            classes[_STYLES[code]] = f"ansi-{_STYLES[code]}"
        elif code in _STYLE_ENDS:
            for style in _STYLE_ENDS[code]:
                classes.pop(style, None)
        else:
            _colour(code, pending, classes)


def _colour(code: int, pending: list[int], classes: dict[str, str]) -> None:
    layer = "bg" if code // 10 in (4, 10) else "fg"
    if code in (39, 49):
        classes.pop(layer, None)
    elif code in (38, 48):
        name = _extended(pending)
        if name:
            classes[layer] = f"ansi-{layer}-{name}"
    elif code // 10 in (3, 4, 9, 10) and code % 10 < 8:
        classes[layer] = f"ansi-{layer}-{_NAMES[code % 10]}"


def _extended(pending: list[int]) -> str | None:
    """The nearest of the eight named colours to a 256-colour or true-colour code."""
    kind = pending.pop(0) if pending else 0
    if kind == 5 and pending:
        index = min(pending.pop(0), 255)
        if index < 16:
            return _NAMES[index % 8]
        if index >= 232:
            return "white" if index > 243 else "black"
        reds, rest = divmod(index - 16, 36)
        return _nearest(reds / 5, rest // 6 / 5, rest % 6 / 5)
    if kind == 2 and len(pending) >= 3:
        red, green, blue = (min(pending.pop(0), 255) / 255 for _ in range(3))
        return _nearest(red, green, blue)
    return None


def _nearest(red: float, green: float, blue: float) -> str:
    peak = max(red, green, blue)
    if peak < 0.25:
        return "black"
    bits = sum(1 << i for i, part in enumerate((red, green, blue)) if part >= peak * 0.6)
    return _NAMES[bits]
