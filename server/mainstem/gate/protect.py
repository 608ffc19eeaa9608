"""Guards every route of an application with its row of the permission table."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from mainstem.errors import Bug, Denied
from mainstem.gate.passage import Passage, passage_of
from mainstem.gate.permissions import ANY, KEYED, PUBLIC, Needed, Rule, Special, rule_of
from mainstem.gate.refusal import READING, Refused, refuse
from mainstem.guard import is_foreign, is_proven_own
from mainstem.model.principal import SYSTEM
from mainstem.services import access

_Endpoint = tuple[str, str, Rule | None, Any]


def protect(app: FastAPI) -> None:
    """Guard the routes of an application and of those mounted in it.

    Raises Bug naming every route that has no row: a server with one does not start.
    """
    found = list(_endpoints(app.routes))
    missing = [f"{method} {template}" for method, template, rule, _ in found if rule is None]
    if missing:
        raise Bug(f"routes without a row in mainstem.gate.permissions: {', '.join(missing)}")
    rules: dict[int, dict[str, Rule]] = {}
    templates: dict[int, str] = {}
    for method, template, rule, route in found:
        if rule is not None:
            rules.setdefault(id(route), {})[method] = rule
            templates[id(route)] = template
    for route in {id(route): route for *_, route in found}.values():
        if not isinstance(route.app, _Guarded):
            route.app = _Guarded(route.app, rules[id(route)], templates[id(route)])


def endpoints(app: FastAPI) -> list[tuple[str, str, Rule | None]]:
    """Method, template and row of every endpoint, mounted ones included."""
    return [(method, template, rule) for method, template, rule, _ in _endpoints(app.routes)]


def _endpoints(routes: list[BaseRoute], prefix: str = "") -> Iterator[_Endpoint]:
    for route in routes:
        if isinstance(route, Mount):
            yield from _mounted(route, prefix + route.path)
            continue
        if isinstance(route, Route):
            methods = sorted(route.methods or ("GET",))
        elif isinstance(route, WebSocketRoute):
            methods = ["WS"]
        else:
            raise Bug(f"the gate cannot look into {route!r}: include routers with gate.flat")
        template = prefix + route.path
        for method in methods:
            yield method, template, rule_of(method, template), route


def _mounted(mount: Mount, path: str) -> Iterator[_Endpoint]:
    inner = getattr(mount.app, "routes", None)
    if inner is None:
        yield ANY, f"{path}/", rule_of(ANY, f"{path}/"), mount
    else:
        yield from _endpoints(inner, path)


class _Guarded:
    """The application of one route, behind its rows."""

    def __init__(self, app: ASGIApp, rules: dict[str, Rule], template: str) -> None:
        self._app = app
        self._template = template
        self._rules = rules
        largest = max(rule.largest_body for rule in rules.values())
        self._limited = RequestBodyLimitMiddleware(app, max_body_size=largest)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = "WS" if scope["type"] == "websocket" else scope["method"]
        rule = self._rules.get(method) or self._rules[ANY]
        passage = passage_of(scope)
        passage.rule, passage.template = rule, self._template
        passage.namespace = str(scope.get("path_params", {}).get("namespace", ""))
        try:
            if rule.needs is KEYED:
                passage.caller.principal = SYSTEM
            elif rule.needs is not PUBLIC:
                await passage.identify()
                check(passage, rule.needs)
        except Refused as error:
            passage.answered = True
            await refuse(scope, receive, send, error)
            return
        _check_origin(passage, scope)
        passage.allowed = True
        app = self._app if scope["type"] == "websocket" else self._limited
        await app(scope, receive, send)


def check(passage: Passage, needs: Needed) -> None:
    """Raises Refused for nobody, Denied for somebody who lacks the permission."""
    who = passage.principal
    if who.is_anonymous:
        raise Refused()
    if isinstance(needs, Special):
        return
    if passage.namespace:
        if not who.may(needs, passage.namespace):
            raise Denied(access.refusal(needs, passage.namespace))
    elif not who.may_somewhere(needs):
        raise Denied(access.refusal(needs))


def _check_origin(passage: Passage, scope: Scope) -> None:
    """A cookie travels with requests that other pages make: those must be our own.

    Changes of the dashboard prove it once more by the token in their form.
    """
    if not passage.ambient:
        return
    if scope["type"] == "websocket":
        if is_foreign(Headers(scope=scope)):
            raise Denied("This page may not open a connection here.")
    elif scope["method"] not in READING and not is_proven_own(Headers(scope=scope)):
        raise Denied(
            "Changes with a session's cookie are accepted only from the dashboard's own pages: "
            "programs use a token."
        )
