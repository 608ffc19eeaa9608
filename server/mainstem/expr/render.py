"""Rendering: text, values with text inside, and typed values; compiled templates are cached."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final, TypeVar

from mainstem.expr.errors import ExpressionError, Fault, explain
from mainstem.expr.runtime import Budget, Evaluation
from mainstem.expr.scope import Scope
from mainstem.expr.template import Template

_RAW: Final = re.compile(r"\{%-*\s*raw\s*-*%\}(.*?)\{%-*\s*endraw\s*-*%\}", re.DOTALL)
_MAX_LAYERS: Final = 100
_LONG: Final = 20_000
_Result = TypeVar("_Result")
_FALSE: Final = frozenset({"", "false", "0", "-0"})


def is_dynamic(text: str) -> bool:
    """Whether rendering could change the text."""
    return "{" in text


def truthy(text: str) -> bool:
    """The truth of a rendered condition: all but empty text, `false`, `0` and `-0`."""
    return text.strip() not in _FALSE


def compile_template(text: str) -> Template:
    """The compiled form of a template, from a bounded cache."""
    return _compile_short(text) if len(text) < _LONG else _compile_long(text)


def _compile(text: str) -> Template:
    try:
        return Template(text)
    except Fault as fault:
        raise explain(fault, text) from fault
    except RecursionError as error:
        raise explain(Fault("The template is nested too deeply"), text) from error


_compile_short = lru_cache(maxsize=4096)(_compile)
_compile_long = lru_cache(maxsize=64)(_compile)


def parse_problems(text: str) -> ExpressionError | None:
    """What makes a template unreadable, whatever its variables will be."""
    if not is_dynamic(text):
        return None
    try:
        compile_template(text)
    except ExpressionError as error:
        return error
    return None


def render(text: str, scope: Scope) -> str:
    """The text with every expression replaced by what it prints."""
    if "{" not in text:
        return text
    if scope.options.recursive:
        return _unraw(_layers(text, scope, None))
    return _unraw(_once(text, scope, None))


def render_typed(text: str, scope: Scope) -> object:
    """The native value of a lone `{{ expression }}`; any other template renders to text."""
    if "{" not in text:
        return text
    if scope.options.recursive:
        return render(text, scope)
    template = compile_template(text)
    value = _evaluated(template, Evaluation(scope, _nested), Template.value)
    return _unraw(value) if isinstance(value, str) else value


def render_value(value: object, scope: Scope) -> object:
    """Every text inside a value rendered; maps with their keys, the first of equal keys winning."""
    if isinstance(value, str):
        return render(value, scope)
    return _walked(value, lambda text: render(text, scope))


def _walked(value: object, change: Callable[[str], object]) -> object:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        rendered: dict[object, object] = {}
        for key, item in list(value.items()):
            name = change(key) if isinstance(key, str) else key
            rendered.setdefault(name, _walked(item, change))
        return rendered
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_walked(item, change) for item in value]
    return value


def _once(text: str, scope: Scope, budget: Budget | None) -> str:
    template = compile_template(text)
    return _evaluated(template, Evaluation(scope, _nested, budget), Template.text)


def _layers(text: str, scope: Scope, budget: Budget | None) -> str:
    """Render what was rendered until nothing changes."""
    spent = budget or Budget(scope)
    for _ in range(_MAX_LAYERS):
        if "{" not in text:
            return text
        rendered = _once(text, scope, spent)
        if rendered == text:
            return text
        text = rendered
    raise explain(
        Fault(f"Too many rendering attempts: the text still changes after {_MAX_LAYERS}"), text
    )


def _evaluated(
    template: Template, ev: Evaluation, run: Callable[[Template, Evaluation], _Result]
) -> _Result:
    try:
        result = run(template, ev)
        if isinstance(result, str) and len(result) > ev.options.max_output:
            raise Fault("The expression makes more text than allowed")
    except Fault as fault:
        raise explain(fault, template.source) from fault
    except RecursionError as error:
        raise explain(Fault("The expression is nested too deeply"), template.source) from error
    return result


def _unraw(text: str) -> str:
    return _RAW.sub(r"\1", text) if "{%" in text else text


def _nested(ev: Evaluation, value: object, every_layer: bool) -> object:
    """What the functions `render` and `renderOnce` do."""
    budget = ev.budget
    budget.enter(ev.options.max_depth)
    scope = replace(ev.scope, variables=ev.visible() if ev.frame else ev.variables)

    def change(text: str) -> str:
        budget.spend(1)
        if "{" not in text:
            return text
        rendered = _layers(text, scope, budget) if every_layer else _once(text, scope, budget)
        budget.output -= len(rendered)
        return _unraw(rendered)

    try:
        return _walked(value, change)
    finally:
        budget.leave()
