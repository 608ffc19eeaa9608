"""Checks that a declared input makes on a value that has its type already."""

from collections.abc import Callable, Sequence
from datetime import date, time
from typing import Any, Final

from mainstem.flowspec.values import coerce, read_instant, shown
from mainstem.model.duration import parse_duration
from mainstem.sdk.checks import matches_whole
from mainstem.sdk.inputs import Input

_EMAIL: Final = r"^$|^[a-zA-Z0-9_!#$%&’*+/=?`{|}~^.-]+@[a-zA-Z0-9.-]+$"

_COMPARABLE: Final[dict[str, Callable[[Any], Any]]] = {
    "INT": int,
    "FLOAT": float,
    "DURATION": parse_duration,
    "DATETIME": read_instant,
    "DATE": date.fromisoformat,
    "TIME": time.fromisoformat,
}
_BOUNDS: Final = (("min", True, "more than"), ("max", False, "less than"))
_MOMENTS: Final = (("after", True, "after"), ("before", False, "before"))


def reason_to_refuse(declared: Input, value: Any, choices: Sequence[str] | None) -> str | None:
    """Why a coerced value is not accepted, as the end of the sentence about the input."""
    if declared.type in _COMPARABLE:
        return _out_of_bounds(declared, value)
    if declared.type in {"STRING", "SECRET"} and declared.validator is not None:
        if not matches_whole(declared.validator, str(value)):
            return f"it must match the pattern `{declared.validator}`"
    elif declared.type == "EMAIL" and not matches_whole(_EMAIL, str(value)):
        return "The input must be a valid email"
    elif choices is not None:
        return _not_a_choice(declared, value, choices)
    return None


def _out_of_bounds(declared: Input, value: Any) -> str | None:
    comparable = _COMPARABLE[declared.type]
    it = "It" if declared.type == "DURATION" else "it"
    for name, lowest, words in (*_BOUNDS, *_MOMENTS):
        bound = getattr(declared, name)
        if bound is None:
            continue
        limit = coerce(declared.type, bound)
        given, edge = comparable(value), comparable(limit)
        if given < edge if lowest else given > edge:
            return f"{it} must be {words} `{shown(limit)}`"
    return None


def _not_a_choice(declared: Input, value: Any, choices: Sequence[str]) -> str | None:
    wrong = f"it must match the values `{shown(choices)}`"
    if declared.allow_custom_value:
        return None
    if declared.type == "MULTISELECT":
        return None if all(shown(item) in choices for item in value) else wrong
    return wrong if declared.required and value not in choices else None
