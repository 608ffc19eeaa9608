"""`render` and `renderOnce`: renderings inside a rendering, which share its budget.

The renderer is given to the Evaluation by whoever starts it, for it lies above this module.
"""

from collections.abc import Callable
from typing import Final

from mainstem.expr.arguments import a_boolean
from mainstem.expr.errors import Fault
from mainstem.expr.runtime import Evaluation


def render(ev: Evaluation, value: object, recursive: object = None) -> object:
    if ev.options.recursive:
        raise Fault("Function or Macro [render] does not exist where every rendering is recursive")
    every_layer = True if recursive is None else a_boolean(recursive, "recursive")
    return ev.render_nested(value, every_layer)


def render_once(ev: Evaluation, value: object) -> object:
    return ev.render_nested(value, False)


FUNCTIONS_NESTING: Final[dict[str, tuple[Callable[..., object], str]]] = {
    "render": (render, "toRender recursive"),
    "renderOnce": (render_once, "toRender"),
}
