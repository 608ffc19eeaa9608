"""Renders a template with variables given as keywords; what the tests of this folder say."""

import atexit
from datetime import UTC, datetime
from typing import Any

import pytest

from mainstem.expr import ExpressionError, NoHost, RenderOptions, Scope, render
from mainstem.runtime.jq_processes import JqProcesses

NOW = datetime(2024, 2, 29, 10, 15, 30, 500_000, tzinfo=UTC)
JQ = JqProcesses()
atexit.register(JQ.close)


def scope(options: RenderOptions | None = None, /, **variables: Any) -> Scope:
    return Scope(variables, NoHost(NOW), options or RenderOptions(jq=JQ))


def show(template: str, /, **variables: Any) -> str:
    return render(template, scope(**variables))


def value(expression: str, /, **variables: Any) -> str:
    return show("{{ " + expression + " }}", **variables)


def fault(template: str, /, options: RenderOptions | None = None, **variables: Any) -> str:
    with pytest.raises(ExpressionError) as caught:
        render(template, scope(options, **variables))
    return caught.value.message
