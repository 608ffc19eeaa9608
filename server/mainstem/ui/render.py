"""Templates to answers: one environment, one way to make a page, a fragment or an error."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from mainstem.clock import Clock
from mainstem.model.principal import Permission
from mainstem.model.state import State
from mainstem.services import access
from mainstem.ui import ansi, cron, flash, markdown, preferences
from mainstem.ui import format as words
from mainstem.ui.assets import Assets
from mainstem.ui.preferences import Preferences
from mainstem.ui.security import CSRF_COOKIE, content_policy, csrf_token
from mainstem.ui.states import LOOKS, STACK, look

_TEMPLATES: Final = Path(__file__).parent / "templates"
_YEAR: Final = 365 * 86_400


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom a page is rendered: when, and in which zone times are shown."""

    now: datetime
    zone: tzinfo = UTC


_reader: ContextVar[Reader] = ContextVar("reader")


@dataclass(frozen=True, slots=True)
class Crumb:
    """One step of the breadcrumb; the last has no link."""

    label: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds a page's content: where it stands, its name, what keeps it live."""

    section: str
    title: str
    crumbs: Sequence[Crumb] = ()
    topics: Sequence[str] = ()
    icon: str | None = None
    editor: bool = False


class Renderer:
    """Renders templates for one mounted dashboard."""

    def __init__(self, assets: Assets, clock: Clock, *, version: str) -> None:
        self.assets = assets
        self._clock = clock
        self._environment = _environment(assets, version)

    def page(
        self,
        request: Request,
        template: str,
        frame: Frame,
        context: Mapping[str, object] | None = None,
        *,
        status: int = 200,
    ) -> Response:
        """A whole document; equal content answers 304."""
        live = ",".join(frame.topics)
        said = flash.said(request)
        nonce = secrets.token_urlsafe(16) if frame.editor else ""
        shown = {"frame": frame, "live": live, "said": said, "nonce": nonce, **(context or {})}
        response = self._answer(request, f"pages/{template}.html", shown, status)
        if nonce:
            response.headers["content-security-policy"] = content_policy(nonce)
        if said:
            flash.forget(response)
        return response

    def part(
        self,
        request: Request,
        template: str,
        context: Mapping[str, object],
        *,
        status: int = 200,
    ) -> Response:
        """One fragment, by the same template that its page includes."""
        return self._answer(request, f"parts/{template}.html", context, status)

    def html(self, request: Request, template: str, context: Mapping[str, object]) -> str:
        """The text of any template, for tests and for nested use."""
        return self._render(request, template, context, preferences.read(request))

    def _answer(
        self, request: Request, template: str, context: Mapping[str, object], status: int
    ) -> Response:
        prefs = preferences.read(request)
        body = self._render(request, template, context, prefs).encode()
        etag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers = {
            "etag": etag,
            "cache-control": "private, no-cache",
            "vary": "HX-Request, Cookie",
        }
        known = request.headers.get("if-none-match")
        if status == 200 and known == etag and request.method == "GET":
            return Response(status_code=304, headers=headers)
        response = Response(body, status, headers, "text/html; charset=utf-8")
        _keep_token(request, response)
        return response

    def _render(
        self,
        request: Request,
        template: str,
        context: Mapping[str, object],
        prefs: Preferences,
    ) -> str:
        token = _reader.set(Reader(self._clock.now(), prefs.timezone))
        try:
            return self._environment.get_template(template).render(
                prefs=prefs, csrf=csrf_token(request), address=request.url.path, **context
            )
        finally:
            _reader.reset(token)


def _keep_token(request: Request, response: Response) -> None:
    if getattr(request.state, "csrf_token", None):
        response.set_cookie(
            CSRF_COOKIE,
            request.state.csrf_token,
            max_age=_YEAR,
            path="/ui",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )


def link(*parts: str, **query: object) -> str:
    """An address below `/ui`; parts are escaped, empty parameters are left out."""
    path = "/".join(quote(part, safe="") for part in parts)
    return f"/ui/{path}{query_string(query)}"


def query_string(query: Mapping[str, object]) -> str:
    """`?a=1&b=2`, repeated for lists, without what is empty; nothing when all is."""
    pairs: list[tuple[str, str]] = []
    for key, value in query.items():
        values = value if isinstance(value, list | tuple) else [value]
        pairs.extend((key, str(v)) for v in values if v not in (None, ""))
    return f"?{urlencode(pairs)}" if pairs else ""


def flow_link(namespace: str, flow_id: str, tab: str = "", **query: object) -> str:
    """The page of a flow."""
    parts = ["flows", "edit", namespace, flow_id, *([tab] if tab else [])]
    return link(*parts, **query)


def execution_link(
    namespace: str, flow_id: str, execution_id: str, tab: str = "", **query: object
) -> str:
    """The page of an execution."""
    parts = ["executions", namespace, flow_id, execution_id, *([tab] if tab else [])]
    return link(*parts, **query)


def _age(at: datetime | None) -> str:
    return words.age(at, _reader.get().now)


def _distance(at: datetime) -> str:
    return words.distance(at, _reader.get().now)


def _moment(at: datetime | None, *, seconds: bool = True) -> str:
    return words.moment(at, _reader.get().zone, seconds=seconds)


def _clock_time(at: datetime) -> str:
    return words.clock(at, _reader.get().zone)


def _since(start: datetime, end: datetime | None) -> str:
    return words.duration((end or _reader.get().now) - start)


def _may(permission: str, namespace: str = "") -> bool:
    """Whether the reader may; without a namespace, whether they may anywhere."""
    wanted = Permission(permission)
    who = access.principal()
    return who.may(wanted, namespace) if namespace else who.may_somewhere(wanted)


def _environment(assets: Assets, version: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        ansi=ansi.to_html, markdown=markdown.to_html, first_line=markdown.first_line,
        cron=cron.describe, duration=words.duration, size=words.size, number=words.number,
        iso=words.iso, value=words.value, pretty=words.pretty, commit=words.short_commit,
        age=_age, distance=_distance, own_zone=words.own_zone, moment=_moment,
        clock=_clock_time, look=look,
    )  # fmt: skip
    environment.globals.update(
        asset=assets.url, link=link, flow_link=flow_link, execution_link=execution_link,
        query_string=query_string, plural=words.plural, percent=words.percent, since=_since,
        looks=LOOKS, states=[state.value for state in State], stack=STACK, version=version,
        Markup=Markup, may=_may, me=access.principal,
    )  # fmt: skip
    return environment
