"""Descriptions written in Markdown, rendered without letting any HTML of the author through."""

import re
from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_LINK: Final = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS: Final = re.compile(r"\*\*|__|`|(?<!\w)\*(?=\w)|(?<=\w)\*(?!\w)")


@cache
def _renderer() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # loaded with the first description, not at the start

    renderer = MarkdownIt("commonmark", {"html": False, "linkify": False})
    renderer.enable(["table", "strikethrough"])
    renderer.disable("image")  # an image would call a foreign host, which the policy forbids
    renderer.validateLink = _is_safe_link  # type: ignore[method-assign]
    return renderer


def _is_safe_link(url: str) -> bool:
    return urlsplit(url).scheme.lower() in ("", "http", "https", "mailto")


def to_html(text: str | None) -> Markup:
    """Render a description; raw HTML shows as text, links lead only to the web or to mail."""
    renderer = _renderer()
    tokens = renderer.parse(text or "")
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"  # the page owns h1 and h2
    html = renderer.renderer.render(tokens, renderer.options, {})
    return Markup(html)  # noqa: S704  # html=False escapes the source


def first_line(text: str | None) -> str:
    """The first line of a description without its marks, for tables."""
    for line in (text or "").splitlines():
        bare = _MARKS.sub("", _LINK.sub(r"\1", line)).strip().lstrip("#").strip()
        if bare:
            return bare
    return ""
