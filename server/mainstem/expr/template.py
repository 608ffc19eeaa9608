"""A whole template, compiled: texts, prints and tags to closures that emit text."""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from mainstem.expr.compile import ExpressionCompiler
from mainstem.expr.errors import Fault
from mainstem.expr.nodes import (
    Block,
    Body,
    Capture,
    For,
    If,
    Macro,
    Print,
    Set,
    Text,
)
from mainstem.expr.numbers import type_name
from mainstem.expr.operators import LISTS, is_true
from mainstem.expr.printing import entries, text_of
from mainstem.expr.runtime import CompiledMacro, Evaluation, Expression, Frame, Output, Render
from mainstem.expr.tags import parse

Emit: TypeAlias = Callable[[Evaluation, Output], None]
_MAX_MACRO_DEPTH: Final = 40
_PORTION: Final = 32


class Template:
    """A compiled template; it holds no state of a rendering and may be shared by threads."""

    __slots__ = ("_blocks", "_emit", "_macros", "_single", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        compiler = _TemplateCompiler()
        body = parse(source)
        only = body[0] if len(body) == 1 else None
        self._single = compiler.expression(only) if isinstance(only, Print) else None
        self._emit = compiler.body(body)
        self._macros = compiler.macros
        self._blocks = compiler.blocks

    def text(self, ev: Evaluation) -> str:
        """Render to text."""
        if self._single is not None:
            value = self._single(ev)
            return value if type(value) is str else text_of(value, ev.options.timezone)
        ev.macros, ev.blocks = self._macros, self._blocks
        out = Output()
        self._emit(ev, out)
        return "".join(out)

    def value(self, ev: Evaluation) -> object:
        """The value of a lone `{{ }}`, otherwise the text."""
        return self._single(ev) if self._single is not None else self.text(ev)


class _TemplateCompiler:
    def __init__(self) -> None:
        self.macros: dict[str, CompiledMacro] = {}
        self.blocks: dict[str, Render] = {}
        self._expressions = ExpressionCompiler(self._capture)

    def expression(self, node: Print) -> Expression:
        """The closure of what a print prints."""
        return self._expressions.compile(node.value)

    def body(self, body: Body) -> Emit:
        """One closure that emits all of a body."""
        if all(isinstance(statement, (Text, Print)) for statement in body):
            return self._pieces(body)
        parts = [_COMPILERS[type(statement)](self, statement) for statement in body]
        if len(parts) == 1:
            return parts[0]

        def emit(ev: Evaluation, out: Output) -> None:
            for part in parts:
                part(ev, out)

        return emit

    def _pieces(self, body: Body) -> Emit:
        """A body of texts and prints only, which most bodies are."""
        pieces = [
            (statement.text, None)
            if isinstance(statement, Text)
            else ("", self._expressions.compile(statement.value))
            for statement in body
            if isinstance(statement, (Text, Print))
        ]

        def emit(ev: Evaluation, out: Output) -> None:
            append = out.append
            for text, expression in pieces:
                if expression is None:
                    append(text)
                    continue
                value = expression(ev)
                if type(value) is str:
                    append(value)
                elif type(value) is int:
                    append(repr(value))
                else:
                    append(text_of(value, ev.options.timezone))

        return emit

    def _capture(self, node: Capture) -> Render:
        return _rendering(self.body(node.body))

    def _text(self, node: Text) -> Emit:
        text = node.text
        return lambda _, out: out.append(text)

    def _print(self, node: Print) -> Emit:
        expression = self.expression(node)

        def emit(ev: Evaluation, out: Output) -> None:
            value = expression(ev)
            out.append(value if type(value) is str else text_of(value, ev.options.timezone))

        return emit

    def _branches(self, node: If) -> Emit:
        branches = [
            (self._expressions.compile(condition), self.body(body))
            for condition, body in node.branches
        ]
        otherwise, place = self.body(node.otherwise), node.place

        def emit(ev: Evaluation, out: Output) -> None:
            for condition, body in branches:
                if _holds(condition(ev), place):
                    body(ev, out)
                    return
            otherwise(ev, out)

        return emit

    def _loop(self, node: For) -> Emit:
        items_of, name, place = self._expressions.compile(node.items), node.name, node.place
        body, otherwise = self.body(node.body), self.body(node.otherwise)

        def emit(ev: Evaluation, out: Output) -> None:
            items = _iterated(items_of(ev), place)
            if items:
                _turns(ev, out, name, items, body)
            elif items is not None:
                otherwise(ev, out)

        return emit

    def _set(self, node: Set) -> Emit:
        value, name = self._expressions.compile(node.value), node.name
        return lambda ev, _: ev.bind(name, value(ev))

    def _macro(self, node: Macro) -> Emit:
        parameters = [
            (name, None if default is None else self._expressions.compile(default))
            for name, default in node.parameters
        ]
        self.macros[node.name] = _macro(node.name, parameters, _rendering(self.body(node.body)))
        return lambda _, __: None

    def _block(self, node: Block) -> Emit:
        name = node.name
        self.blocks[name] = _rendering(self.body(node.body))
        return lambda ev, out: out.append(ev.blocks[name](ev))  # the last one of that name


def _rendering(emit: Emit) -> Render:
    def render(ev: Evaluation) -> str:
        ev.budget.spend(1)
        out = Output()
        emit(ev, out)
        ev.budget.produce(out)
        return "".join(out)

    return render


def _holds(value: object, place: int) -> bool:
    try:
        return is_true(value, "`if`")
    except Fault as fault:
        raise Fault(fault.problem, place) from None


def _iterated(value: object, place: int) -> list[object] | None:
    if value is None:
        return None
    if isinstance(value, LISTS):
        return list(value)
    if isinstance(value, Mapping):
        return entries(value)
    raise Fault(f"`for` needs a list or a map but got {type_name(value)}", place)


def _turns(ev: Evaluation, out: Output, name: str, items: list[object], body: Emit) -> None:
    """All turns of a loop, in a frame of their own."""
    outer = ev.base()
    frame = ev.frame = Frame(outer)
    budget, names, last = ev.budget, frame.names, len(items) - 1
    names["loop"] = loop = {"index": 0, "length": len(items), "first": True, "last": False}
    try:
        for index, item in enumerate(items):
            if index % _PORTION == 0:
                budget.spend(_PORTION)
                budget.produce(out)
            loop["index"] = index
            if index == 1:
                loop["first"] = False
            if index == last:
                loop["last"] = True
            loop["revindex"] = last - index
            names[name] = item
            body(ev, out)
        budget.produce(out)
    finally:
        ev.frame = outer


def _macro(
    name: str, parameters: list[tuple[str, Expression | None]], render: Render
) -> CompiledMacro:
    known = {parameter for parameter, _ in parameters}

    def call(ev: Evaluation, positional: list[object], named: dict[str, object]) -> str:
        if len(positional) > len(parameters) or not named.keys() <= known:
            wanted = ", ".join(parameter for parameter, _ in parameters) or "none"
            raise Fault(f"The macro `{name}` has other arguments; it takes {wanted}")
        outer = ev.frame
        frame = Frame(outer, closed=True)
        given = dict(zip((parameter for parameter, _ in parameters), positional, strict=False))
        ev.frame = frame
        ev.budget.enter(_MAX_MACRO_DEPTH)
        try:
            for parameter, default in parameters:
                frame.names[parameter] = None if default is None else default(ev)
            frame.names.update({**given, **named})
            return render(ev)
        finally:
            ev.frame = outer
            ev.budget.leave()

    return call


_COMPILERS: Final[dict[type, Callable[..., Emit]]] = {
    Text: _TemplateCompiler._text,
    Print: _TemplateCompiler._print,
    If: _TemplateCompiler._branches,
    For: _TemplateCompiler._loop,
    Set: _TemplateCompiler._set,
    Macro: _TemplateCompiler._macro,
    Block: _TemplateCompiler._block,
}
