"""SVG text built from attributes only, because the content policy forbids style attributes."""

from collections.abc import Iterable

from markupsafe import Markup, escape


def tag(name: str, *children: str | Markup, **attributes: object) -> Markup:
    """One element; `class_` becomes `class`, `stroke_width` `stroke-width`; None is left out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_text(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = join(children)
    return Markup(f"<{name}{given}>{inner}</{name}>" if inner else f"<{name}{given}/>")  # noqa: S704


def join(parts: Iterable[str | Markup]) -> Markup:
    """Concatenate; plain text is escaped, markup is kept."""
    return Markup("").join(escape(part) for part in parts)


def percent(value: float) -> str:
    """A length relative to the drawing's width."""
    return f"{value:.3f}".rstrip("0").rstrip(".") + "%"


def _text(value: object) -> object:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value
