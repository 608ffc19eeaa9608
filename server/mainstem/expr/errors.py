"""What goes wrong while an expression is read or rendered.

Filters and operators raise a `Fault` and know nothing of the template; the render call turns it
into an `ExpressionError` that quotes the expression and the place. Values are never quoted, for
any of them may be a secret.
"""

from mainstem.errors import InvalidInput

_LONGEST_QUOTE = 1000


class Fault(Exception):
    """A problem inside one template; the place is an offset in its source, if known yet."""

    def __init__(self, problem: str, place: int | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = place


class Undefined(Fault):
    """A name that the variables don't hold; `??`, `default` and `is defined` recover from it."""

    def __init__(self, name: str, place: int) -> None:
        super().__init__(f"Unable to find `{name}`", place)
        self.name = name


class ExpressionError(InvalidInput):
    """An expression that cannot be read or rendered, with its place (line and column from 1)."""

    def __init__(self, message: str, expression: str, line: int, column: int) -> None:
        super().__init__(message)
        self.expression = expression
        self.line = line
        self.column = column


class UndefinedVariable(ExpressionError):
    """An expression that asks for a variable or an attribute that doesn't exist."""


def locate(source: str, place: int) -> tuple[int, int]:
    """Line and column, both from 1, of an offset."""
    before = source[:place].replace("\r\n", " \n").replace("\r", "\n")
    line = before.count("\n") + 1
    return line, len(before) - (before.rfind("\n") + 1) + 1


def explain(fault: Fault, source: str) -> ExpressionError:
    """Give a fault the words and the place a reader needs."""
    line, column = locate(source, fault.place or 0)
    quote = source if len(source) <= _LONGEST_QUOTE else source[:_LONGEST_QUOTE] + "…"
    if isinstance(fault, Undefined):
        message = f"{fault.problem} used in the expression `{quote}` at line {line}"
        return UndefinedVariable(message, source, line, column)
    message = f"{fault.problem} in the expression `{quote}` at line {line}, column {column}"
    return ExpressionError(message, source, line, column)
