"""Tree to closures. Each takes the Evaluation and returns the value of its expression.

A closure touches plain values through `operators` only, so no Python attribute is ever reachable.
Calls of filters, functions and tests turn whatever goes wrong inside into a Fault with a place.
"""

from collections.abc import Callable
from typing import Final

from mainstem.errors import MainstemError, Stalled, Transient
from mainstem.expr import operators
from mainstem.expr.combining import COMBINERS, bounded, placed
from mainstem.expr.encrypted import decrypted, is_encrypted
from mainstem.expr.errors import ExpressionError, Fault, Undefined
from mainstem.expr.filters import FILTERS
from mainstem.expr.functions import FUNCTIONS
from mainstem.expr.methods import call_method, read_property
from mainstem.expr.nodes import (
    Attribute,
    Binary,
    Capture,
    Concat,
    FilterCall,
    FunctionCall,
    ListNode,
    Literal,
    MapNode,
    MethodCall,
    Name,
    Node,
    Ternary,
    TestCall,
    Unary,
)
from mainstem.expr.numbers import calculate
from mainstem.expr.operators import MISSING, chooses, is_true
from mainstem.expr.printing import java_string, text_of
from mainstem.expr.registry import Callee, MissingArgument, find, suggestion
from mainstem.expr.runtime import MISSING as UNBOUND
from mainstem.expr.runtime import Evaluation, Expression, Render
from mainstem.expr.tests import TESTS


class ExpressionCompiler:
    """Compiles expressions; the template compiler gives it the way to compile a body."""

    def __init__(self, body: Callable[[Capture], Render]) -> None:
        self._body = body

    def compile(self, node: Node) -> Expression:
        """The closure of any expression."""
        return _COMPILERS[type(node)](self, node)

    def _literal(self, node: Literal) -> Expression:
        value = node.value
        return lambda _: value

    def _root(self, node: Name) -> Expression:
        name, place = node.name, node.place

        def load(ev: Evaluation) -> object:
            frame = ev.frame
            if frame is None:
                value = ev.variables.get(name, UNBOUND)
            else:
                value = frame.names.get(name, UNBOUND)
                if value is UNBOUND:
                    value = ev.name(name)
            if value is UNBOUND:
                raise Undefined(name, place)
            if type(value) is dict and "type" in value and is_encrypted(value):
                return decrypted(ev, value)
            return value

        return load

    def _attribute(self, node: Attribute) -> Expression:
        place = node.place
        parent = node.target.name if isinstance(node.target, Name) else None
        fixed = node.key.value if isinstance(node.key, Literal) else None
        if parent is not None and isinstance(fixed, str):
            return _root_attribute(parent, fixed, place)
        target = self.compile(node.target)
        if isinstance(node.key, Literal) and isinstance(node.key.value, str):
            return _fixed_attribute(target, node.key.value, parent, place)
        key_of = self.compile(node.key)

        def load(ev: Evaluation) -> object:
            holder, key = target(ev), key_of(ev)
            return _attribute(ev, holder, key, parent, place)

        return load

    def _list(self, node: ListNode) -> Expression:
        items = [self.compile(item) for item in node.items]
        return lambda ev: [item(ev) for item in items]

    def _map(self, node: MapNode) -> Expression:
        entries = [(self.compile(key), self.compile(value)) for key, value in node.entries]
        place = node.place

        def build(ev: Evaluation) -> object:
            try:
                return {key(ev): value(ev) for key, value in entries}
            except TypeError as error:
                raise Fault("A key of a map must be text, a number or a boolean", place) from error

        return build

    def _concat(self, node: Concat) -> Expression:
        parts = [self.compile(part) for part in node.parts]
        place = node.place

        def join(ev: Evaluation) -> object:
            texts = []
            for part in parts:
                value = part(ev)
                texts.append(value if type(value) is str else _joined(value))
            return bounded("".join(texts), ev, place)

        return join

    def _ternary(self, node: Ternary) -> Expression:
        condition = self.compile(node.condition)
        then, otherwise = self.compile(node.then), self.compile(node.otherwise)
        choose = placed(lambda ev: chooses(condition(ev)), node.place)
        return lambda ev: then(ev) if choose(ev) else otherwise(ev)

    def _unary(self, node: Unary) -> Expression:
        operand, operator = self.compile(node.operand), node.operator
        if operator == "not":
            return placed(lambda ev: not is_true(operand(ev), "`not`"), node.place)
        sign = -1 if operator == "-" else 1
        return placed(lambda ev: calculate("*", sign, operand(ev)), node.place)

    def _binary(self, node: Binary) -> Expression:
        left, right = self.compile(node.left), self.compile(node.right)
        make = COMBINERS.get(node.operator)
        if make is not None:
            return make(left, right, node.place)
        operator = node.operator
        if operator in ("<", ">", "<=", ">="):
            return placed(lambda ev: operators.compare(operator, left(ev), right(ev)), node.place)
        return placed(lambda ev: calculate(operator, left(ev), right(ev)), node.place)

    def _filter(self, node: FilterCall) -> Expression:
        value = self.compile(node.value)
        if node.name == "default":
            value = _or_null(value)
        return self._call(lambda: find("filter", FILTERS, node.name, node.place), node, value)

    def _test(self, node: TestCall) -> Expression:
        value = self.compile(node.value)
        if node.name == "defined":
            value = _or_null(value)
        call = self._call(lambda: find("test", TESTS, node.name, node.place), node, value)
        return (lambda ev: not call(ev)) if node.negated else call

    def _function(self, node: FunctionCall) -> Expression:
        if node.name == "block":
            return self._block_call(node)
        if node.name in FUNCTIONS:
            return self._call(lambda: FUNCTIONS[node.name], node, None)
        return self._macro_call(node)

    def _method(self, node: MethodCall) -> Expression:
        name, place = node.name, node.place
        target = self.compile(node.target)
        parent = node.target.name if isinstance(node.target, Name) else None
        given = [self.compile(argument) for argument in node.arguments.positional]
        if node.arguments.named:
            return _failing(Fault(f"Arguments of `.{name}()` can't be named", place))

        def call(ev: Evaluation) -> object:
            holder = target(ev)
            if holder is None:
                raise Undefined(parent or name, place)
            value = call_method(ev, holder, name, [argument(ev) for argument in given])
            if value is MISSING:
                raise Undefined(name, place)
            return value

        return _guarded(f"The method `{name}`", call, place)

    def _capture(self, node: Capture) -> Expression:
        return self._body(node)

    def _call(
        self,
        callee_of: Callable[[], Callee],
        node: FilterCall | TestCall | FunctionCall,
        value: Expression | None,
    ) -> Expression:
        """A wrong name or argument only matters if the call is reached, as in the reference."""
        place = node.place
        try:
            callee = callee_of()
            arguments = [
                None if argument is None else self.compile(argument)
                for argument in callee.arrange(node.arguments, place)
            ]
        except MissingArgument as fault:
            return _failing(fault) if value is None else _failing_on(value, fault)
        except Fault as fault:
            return _failing(fault)
        call = callee.call
        given = [
            argument if argument is not None else _constant(default)
            for argument, default in zip(arguments, _padded(callee, len(arguments)), strict=True)
        ]
        if value is not None:
            given.insert(0, value)
        return _guarded(f"The {callee.kind} `{callee.name}`", _applied(call, given), place)

    def _macro_call(self, node: FunctionCall) -> Expression:
        name, place = node.name, node.place
        positional = [self.compile(value) for value in node.arguments.positional]
        named = [(key, self.compile(value)) for key, value in node.arguments.named]

        def call(ev: Evaluation) -> object:
            macro = ev.macros.get(name)
            if macro is None:
                hint = suggestion(name, [*FUNCTIONS, *ev.macros])
                raise Fault(f"There is no function or macro `{name}`{hint}", place)
            return macro(ev, [v(ev) for v in positional], {k: v(ev) for k, v in named})

        return placed(call, place)

    def _block_call(self, node: FunctionCall) -> Expression:
        place = node.place
        if len(node.arguments.positional) != 1 or node.arguments.named:
            return _failing(Fault("`block()` expects the name of a block", place))
        name_of = self.compile(node.arguments.positional[0])

        def call(ev: Evaluation) -> object:
            block = ev.blocks.get(text_of(name_of(ev)))
            return "" if block is None else block(ev)

        return call


def _root_attribute(name: str, key: str, place: int) -> Expression:
    """`name.key` in one closure, for it is what most expressions are."""

    def load(ev: Evaluation) -> object:
        frame = ev.frame
        if frame is None:
            holder = ev.variables.get(name, UNBOUND)
        else:
            holder = frame.names.get(name, UNBOUND)
            if holder is UNBOUND:
                holder = ev.name(name)
        if type(holder) is dict:
            value = holder.get(key, MISSING)
            if value is not MISSING and type(value) is not dict:
                return value
        elif holder is UNBOUND:
            raise Undefined(name, place)
        return _attribute(ev, holder, key, name, place)

    return load


def _fixed_attribute(target: Expression, key: str, parent: str | None, place: int) -> Expression:
    def load(ev: Evaluation) -> object:
        holder = target(ev)
        if type(holder) is dict:
            value = holder.get(key, MISSING)
            if value is not MISSING and type(value) is not dict:
                return value
        return _attribute(ev, holder, key, parent, place)

    return load


def _attribute(
    ev: Evaluation, holder: object, key: object, parent: str | None, place: int
) -> object:
    if holder is None:
        raise Undefined(parent or text_of(key), place)
    value = operators.lookup(holder, key)
    if value is MISSING:
        try:
            value = read_property(ev, holder, key)
        except Fault as fault:
            fault.place = place
            raise
    if value is MISSING:
        raise Undefined(text_of(key), place)
    return decrypted(ev, value) if is_encrypted(value) else value


def _joined(value: object) -> str:
    return "" if value is None else java_string(value)


def _constant(value: object) -> Expression:
    return lambda _: value


def _padded(callee: Callee, count: int) -> list[object]:
    return [None] * count if callee.takes_any else list(callee.defaults[:count])


def _failing(fault: Fault) -> Expression:
    problem, place = fault.problem, fault.place

    def fail(_: Evaluation) -> object:
        raise Fault(problem, place)

    return fail


def _failing_on(value: Expression, fault: Fault) -> Expression:
    fail = _failing(fault)
    return lambda ev: None if value(ev) is None else fail(ev)


def _or_null(value: Expression) -> Expression:
    def load(ev: Evaluation) -> object:
        try:
            return value(ev)
        except Undefined:
            return None

    return load


def _applied(call: Callable[..., object], given: list[Expression]) -> Expression:
    """Specialised by count, for this is the hottest path of a render."""
    if len(given) == 0:
        return lambda ev: call(ev)
    if len(given) == 1:
        first = given[0]
        return lambda ev: call(ev, first(ev))
    if len(given) == 2:
        first, second = given
        return lambda ev: call(ev, first(ev), second(ev))
    return lambda ev: call(ev, *[argument(ev) for argument in given])


def _guarded(what: str, apply: Expression, place: int) -> Expression:
    def call(ev: Evaluation) -> object:
        try:
            value = apply(ev)
            return bounded(value, ev, place) if type(value) is str else value
        except Fault as fault:
            if fault.place is None:
                fault.place = place
            raise
        except (ExpressionError, Transient, Stalled, RecursionError):
            raise
        except MainstemError as error:
            raise Fault(error.message, place) from error
        except Exception as error:
            kind = type(error).__name__
            raise Fault(f"{what} can't be applied to these values ({kind})", place) from error

    return call


_COMPILERS: Final[dict[type, Callable[..., Expression]]] = {
    Literal: ExpressionCompiler._literal,
    Name: ExpressionCompiler._root,
    Attribute: ExpressionCompiler._attribute,
    ListNode: ExpressionCompiler._list,
    MapNode: ExpressionCompiler._map,
    Concat: ExpressionCompiler._concat,
    Ternary: ExpressionCompiler._ternary,
    Unary: ExpressionCompiler._unary,
    Binary: ExpressionCompiler._binary,
    FilterCall: ExpressionCompiler._filter,
    TestCall: ExpressionCompiler._test,
    FunctionCall: ExpressionCompiler._function,
    MethodCall: ExpressionCompiler._method,
    Capture: ExpressionCompiler._capture,
}
