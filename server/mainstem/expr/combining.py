"""The closures of the binary operators, with their order of evaluation and their faults' place."""

from collections.abc import Callable
from typing import Final

from mainstem.expr import operators
from mainstem.expr.errors import Fault, Undefined
from mainstem.expr.operators import is_true
from mainstem.expr.runtime import Evaluation, Expression


def placed(apply: Expression, place: int) -> Expression:
    """Give the place to faults that don't know theirs."""

    def call(ev: Evaluation) -> object:
        try:
            return apply(ev)
        except Fault as fault:
            if fault.place is None:
                fault.place = place
            raise

    return call


def bounded(text: str, ev: Evaluation, place: int) -> str:
    """Text that repeated doubling hasn't made too large."""
    if len(text) > ev.options.max_output:
        raise Fault("The expression makes more text than allowed", place)
    return text


def _or(left: Expression, right: Expression, place: int) -> Expression:
    return placed(lambda ev: is_true(left(ev), "`or`") or is_true(right(ev), "`or`"), place)


def _and(left: Expression, right: Expression, place: int) -> Expression:
    return placed(lambda ev: is_true(left(ev), "`and`") and is_true(right(ev), "`and`"), place)


def _equals(left: Expression, right: Expression, _: int) -> Expression:
    return lambda ev: operators.equal(left(ev), right(ev))


def _differs(left: Expression, right: Expression, _: int) -> Expression:
    return lambda ev: not operators.equal(left(ev), right(ev))


def _contains(left: Expression, right: Expression, place: int) -> Expression:
    def check(ev: Evaluation) -> object:
        holder = left(ev)
        return False if holder is None else operators.contains(holder, right(ev))

    return placed(check, place)


def _in(left: Expression, right: Expression, _: int) -> Expression:
    return lambda ev: operators.is_in(left(ev), right(ev))


def _not_in(left: Expression, right: Expression, _: int) -> Expression:
    return lambda ev: not operators.is_in(left(ev), right(ev))


def _add(left: Expression, right: Expression, place: int) -> Expression:
    def total(ev: Evaluation) -> object:
        value = operators.add(left(ev), right(ev))
        return bounded(value, ev, place) if type(value) is str else value

    return placed(total, place)


def _subtract(left: Expression, right: Expression, place: int) -> Expression:
    return placed(lambda ev: operators.subtract(left(ev), right(ev)), place)


def _range(left: Expression, right: Expression, place: int) -> Expression:
    def build(ev: Evaluation) -> object:
        return operators.char_or_int_range(left(ev), right(ev), 1, ev.options.max_range)

    return placed(build, place)


def _null_coalesce(left: Expression, right: Expression, _: int) -> Expression:
    def choose(ev: Evaluation) -> object:
        try:
            value = left(ev)
        except Undefined:
            return right(ev)
        return right(ev) if value is None else value

    return choose


def _undefined_coalesce(left: Expression, right: Expression, _: int) -> Expression:
    def choose(ev: Evaluation) -> object:
        try:
            return left(ev)
        except Undefined:
            return right(ev)

    return choose


COMBINERS: Final[dict[str, Callable[[Expression, Expression, int], Expression]]] = {
    "or": _or,
    "and": _and,
    "==": _equals,
    "equals": _equals,
    "!=": _differs,
    "contains": _contains,
    "in": _in,
    "not in": _not_in,
    "+": _add,
    "-": _subtract,
    "..": _range,
    "??": _null_coalesce,
    "???": _undefined_coalesce,
}
