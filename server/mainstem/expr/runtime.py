"""One rendering while it runs: its variables, what it may still spend, and its macros."""

import time
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from mainstem.expr.errors import Fault
from mainstem.expr.scope import Scope

MISSING: Final = object()


class Budget:
    """What one rendering and the renderings it starts may still spend."""

    __slots__ = ("_deadline", "_steps", "depth", "output")

    def __init__(self, scope: Scope) -> None:
        self._steps = scope.options.max_steps
        self._deadline = time.monotonic() + scope.options.max_seconds
        self.output = scope.options.max_output
        self.depth = 0

    def spend(self, steps: int) -> None:
        """Count turns of a loop or calls, in whatever portions."""
        self._steps -= steps
        if self._steps < 0:
            raise Fault("The expression takes more steps than allowed")
        if time.monotonic() > self._deadline:
            raise Fault("The expression takes more time than allowed")

    def enter(self, most: int) -> None:
        """Go one level deeper into macros or nested renderings."""
        self.depth += 1
        if self.depth > most:
            raise Fault("Macros or renderings are nested too deeply")

    def leave(self) -> None:
        """Come back from `enter`."""
        self.depth -= 1

    def produce(self, out: "Output") -> None:
        """Count the text that was added since the last count."""
        self.output -= sum(map(len, out[out.counted :]))
        out.counted = len(out)
        if self.output < 0:
            raise Fault("The expression makes more text than allowed")


class Output(list[str]):
    """The text of a body so far, and how many of its pieces the budget knows."""

    __slots__ = ("counted",)

    def __init__(self) -> None:
        super().__init__()
        self.counted = 0


class Frame:
    """Names that a tag has bound; a closed frame hides what lies below, as macros need it."""

    __slots__ = ("closed", "names", "parent")

    def __init__(self, parent: "Frame | None", *, closed: bool = False) -> None:
        self.names: dict[str, object] = {}
        self.parent = parent
        self.closed = closed


class Evaluation:
    """The state that compiled expressions work on."""

    __slots__ = (
        "_budget",
        "_nested",
        "blocks",
        "frame",
        "host",
        "macros",
        "options",
        "scope",
        "variables",
    )

    def __init__(self, scope: Scope, nested: "Nested", budget: Budget | None = None) -> None:
        self.scope = scope
        self.variables = scope.variables
        self.host = scope.host
        self.options = scope.options
        self.frame: Frame | None = None
        self.macros: Mapping[str, CompiledMacro] = {}
        self.blocks: Mapping[str, Render] = {}
        self._nested = nested
        self._budget = budget

    @property
    def budget(self) -> Budget:
        """Made when first needed, for most expressions have no loop and no call."""
        if self._budget is None:
            self._budget = Budget(self.scope)
        return self._budget

    def name(self, name: str) -> object:
        """The value of a variable, or MISSING."""
        frame = self.frame
        while frame is not None:
            found = frame.names.get(name, MISSING)
            if found is not MISSING:
                return found
            if frame.closed:
                return MISSING
            frame = frame.parent
        return self.variables.get(name, MISSING)

    def bind(self, name: str, value: object) -> None:
        """`{% set %}`: change the nearest variable of that name, or make one here."""
        frame = self.frame
        while frame is not None:
            if frame.closed or name in frame.names:
                frame.names[name] = value
                return
            if frame.parent is None:
                break
            frame = frame.parent
        frame = self.base() if self.frame is None else frame
        target = frame if frame is not None and name in self.variables else self.frame
        if target is not None:
            target.names[name] = value

    def base(self) -> Frame:
        """The innermost frame; the outermost, which shadows the variables, is made on demand."""
        if self.frame is None:
            self.frame = Frame(None)
        return self.frame

    def visible(self) -> dict[str, object]:
        """Every variable that a nested rendering shall see."""
        frames: list[Frame] = []
        frame, open_below = self.frame, True
        while frame is not None:
            frames.append(frame)
            if frame.closed:
                open_below = False
                break
            frame = frame.parent
        names = dict(list(self.variables.items())) if open_below else {}
        for frame in reversed(frames):
            names.update(frame.names)
        return names

    def render_nested(self, value: object, every_layer: bool) -> object:
        """Render text, or the texts in a list or map, with the variables visible here."""
        return self._nested(self, value, every_layer)

    def variable(self, name: str) -> object:
        """A root variable for a function's own use, null if there is none."""
        return self.variables.get(name)


Expression: TypeAlias = Callable[[Evaluation], object]
Render: TypeAlias = Callable[[Evaluation], str]
Nested: TypeAlias = Callable[[Evaluation, object, bool], object]
CompiledMacro: TypeAlias = Callable[[Evaluation, list[object], dict[str, object]], str]
