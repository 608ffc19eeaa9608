"""Reading pages as a browser's parser and as a strict reader would."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr",
})  # fmt: skip
_FIELDS = frozenset({"input", "select", "textarea"})


@dataclass
class Element:
    """One element with its text and what lies in it."""

    tag: str
    attributes: dict[str, str]
    parent: "Element | None" = None
    children: list["Element"] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    line: int = 0

    def all(self, tag: str = "", **wanted: str) -> list["Element"]:
        """Elements below with this tag and these attributes."""
        found = []
        for child in self.children:
            attributes = {k.rstrip("_"): v for k, v in wanted.items()}
            if (not tag or child.tag == tag) and all(
                child.attributes.get(k) == v for k, v in attributes.items()
            ):
                found.append(child)
            found += child.all(tag, **wanted)
        return found

    @property
    def text(self) -> str:
        """All text below, with single spaces."""
        return " ".join(" ".join(self._texts()).split())

    def _texts(self) -> list[str]:
        inner = [text for child in self.children for text in child._texts()]
        return [*self.pieces, *inner]


class Document(HTMLParser):
    """A parsed page; `faults` lists what a strict reader objects to."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("#root", {})
        self.faults: list[str] = []
        self._open = [self.root]
        self.feed(text)
        self.close()
        if len(self._open) > 1:
            self.faults.append(f"never closed: {[e.tag for e in self._open[1:]]}")

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            self.faults.append(f"<{tag}> names an attribute twice at {self.getpos()}")
        parent = self._open[-1]
        element = Element(tag, {k: v or "" for k, v in attrs}, parent, line=self.getpos()[0])
        parent.children.append(element)
        if tag not in _VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if self._open[-1].tag != tag:
            self.faults.append(f"</{tag}> closes <{self._open[-1].tag}> at {self.getpos()}")
            return
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].pieces.append(data)


def faults(text: str, *, whole: bool = True) -> list[str]:
    """What is wrong with a page: structure, policy, and what assistive technology needs."""
    document = Document(text)
    root = document.root
    found = list(document.faults)
    found += _ids(root)
    found += _policy(root)
    found += _names(root)
    if whole and len(root.all("h1")) != 1:
        found.append("a page has exactly one h1")
    return found


def _ids(root: Element) -> list[str]:
    ids = [e.attributes["id"] for e in root.all() if "id" in e.attributes]
    found = [f"id {i} occurs twice" for i in sorted({i for i in ids if ids.count(i) > 1})]
    for label in root.all("label"):
        target = label.attributes.get("for")
        if target and target not in ids:
            found.append(f"a label is for {target}, which is not there")
    for element in root.all():
        for name in ("aria-describedby", "aria-labelledby"):
            missing = [i for i in element.attributes.get(name, "").split() if i not in ids]
            found += [f"{name} names {i}, which is not there" for i in missing]
    return found


def _policy(root: Element) -> list[str]:
    found = []
    for element in root.all():
        inline = [k for k in element.attributes if k == "style" or k.startswith(("on", "hx-on"))]
        found += [f"<{element.tag} {name}> at line {element.line}" for name in inline]
        if element.tag == "script" and "src" not in element.attributes:
            found.append("inline script")
        if element.tag == "style":
            found.append("inline style sheet")
    return found


def _names(root: Element) -> list[str]:
    found = []
    for element in root.all("button") + root.all("a"):
        name = element.text or element.attributes.get("aria-label", "")
        name = name or " ".join(e.attributes.get("aria-label", "") for e in element.all())
        if not name.strip() and element.attributes.get("aria-hidden") != "true":
            found.append(f"<{element.tag}> without a name at line {element.line}")
    found += [
        f"<img> without alt at line {e.line}" for e in root.all("img") if "alt" not in e.attributes
    ]
    labelled = {label.attributes.get("for") for label in root.all("label")}
    for element in root.all():
        if element.tag in _FIELDS and element.attributes.get("type") != "hidden":
            inside = _is_inside(element, "label")
            if not (
                inside
                or element.attributes.get("id") in labelled
                or "aria-label" in element.attributes
            ):
                found.append(f"<{element.tag} name={element.attributes.get('name')}> has no label")
    found += [
        f"<table> without a caption at line {t.line}"
        for t in root.all("table")
        if not t.all("caption")
    ]
    return found


def _is_inside(element: Element, tag: str) -> bool:
    above = element.parent
    while above is not None:
        if above.tag == tag:
            return True
        above = above.parent
    return False


def by_id(text: str, wanted: str) -> Element:
    """The element with an id."""
    return next(e for e in Document(text).root.all() if e.attributes.get("id") == wanted)


def shape(element: Element) -> object:
    """Tags, attributes and text as nested values, for comparing a page with its fragment."""
    text = " ".join(" ".join(element.pieces).split())
    return (
        element.tag,
        sorted(element.attributes.items()),
        text,
        [shape(c) for c in element.children],
    )
