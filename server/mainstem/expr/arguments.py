"""What filters and functions ask of their arguments, with errors that name the argument."""

from mainstem.expr.errors import Fault
from mainstem.expr.numbers import is_number, type_name
from mainstem.expr.printing import java_string


def a_text(value: object, argument: str) -> str:
    """Text, or a fault."""
    if isinstance(value, str):
        return value
    raise Fault(f"`{argument}` must be text but is {type_name(value)}")


def an_optional_text(value: object, argument: str) -> str | None:
    """Text or null."""
    return None if value is None else a_text(value, argument)


def an_integer(value: object, argument: str) -> int:
    """A whole number; text is not converted."""
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    if is_number(value) and value == int(str(value).split(".", 1)[0]):
        return int(str(value).split(".", 1)[0])
    raise Fault(f"`{argument}` must be an integer but is {type_name(value)}")


def a_boolean(value: object, argument: str) -> bool:
    """True or false, nothing else."""
    if isinstance(value, bool):
        return value
    raise Fault(f"`{argument}` must be true or false but is {type_name(value)}")


def a_list(value: object, what: str) -> list[object]:
    """A copy of a list."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    raise Fault(f"{what} needs a list but got {type_name(value)}")


def text_input(value: object) -> str:
    """The text of whatever a text filter is applied to."""
    return value if isinstance(value, str) else java_string(value)
