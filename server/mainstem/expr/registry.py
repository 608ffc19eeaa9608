"""How filters, functions and tests declare their parameters, and how a call's arguments meet them.

An entry is a plain function `(evaluation, value, …)` (functions have no value) together with
the names that the language gives its parameters. Python's own defaults say what may be left out.
"""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from mainstem.expr.errors import Fault
from mainstem.expr.nodes import Arguments, Node

VARARGS: Final = "*"
_REQUIRED: Final = inspect.Parameter.empty


class MissingArgument(Fault):
    """A call without an argument that it needs; it only matters if there is a value to work on."""


@dataclass(frozen=True, slots=True)
class Callee:
    """A filter, function or test with its parameters in order."""

    kind: str
    name: str
    call: Callable[..., object]
    parameters: tuple[str, ...]
    defaults: tuple[object, ...]

    @property
    def required(self) -> object:
        """The default of a parameter that has none."""
        return _REQUIRED

    @property
    def takes_any(self) -> bool:
        """Whether it takes any number of positional arguments."""
        return self.parameters == (VARARGS,)

    def arrange(self, arguments: Arguments, place: int) -> list[Node | None]:
        """The argument nodes in the order of the parameters, None where the default holds."""
        if self.takes_any:
            return [*arguments.positional, *(value for _, value in arguments.named)]
        if not self.parameters and self.kind != "function":
            return []  # the reference ignores what such a filter or test is given
        if len(arguments.positional) > len(self.parameters):
            count = len(self.parameters)
            problem = f"The {self.kind} `{self.name}` takes {count or 'no'} argument(s)"
            raise Fault(f"{problem}, not {len(arguments.positional)}", place)
        given: dict[str, Node] = dict(zip(self.parameters, arguments.positional, strict=False))
        for name, value in arguments.named:
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "no arguments"
                problem = f"The {self.kind} `{self.name}` has no argument `{name}`; it has {known}"
                raise Fault(problem, place)
            given[name] = value
        self._check_required(given, place)
        arranged = [given.get(name) for name in self.parameters]
        while arranged and arranged[-1] is None:
            arranged.pop()
        return arranged

    def _check_required(self, given: Mapping[str, Node], place: int) -> None:
        for name, default in zip(self.parameters, self.defaults, strict=True):
            if default is _REQUIRED and name not in given:
                problem = f"The {self.kind} `{self.name}` expects an argument `{name}`"
                raise MissingArgument(problem, place)


Table = Mapping[str, Callee]


def table(
    kind: str, entries: Mapping[str, tuple[Callable[..., object], str]], *, skip: int
) -> dict[str, Callee]:
    """Entries from `name: (function, "parameters")`; the first `skip` Python ones don't count."""
    built: dict[str, Callee] = {}
    for name, (call, names) in entries.items():
        parameters = tuple(names.split())
        own = list(inspect.signature(call).parameters.values())[skip:]
        defaults = tuple(p.default for p in own) if parameters != (VARARGS,) else (None,)
        built[name] = Callee(kind, name, call, parameters, defaults[: len(parameters)])
    return built


def find(kind: str, entries: Table, name: str, place: int) -> Callee:
    """The entry of that name, or a fault that suggests the nearest one."""
    callee = entries.get(name)
    if callee is None:
        raise Fault(f"There is no {kind} `{name}`{suggestion(name, entries)}", place)
    return callee


def suggestion(name: str, known: Iterable[str]) -> str:
    """`, did you mean …?` if something is near."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean `{near[0]}`?" if near else ""
