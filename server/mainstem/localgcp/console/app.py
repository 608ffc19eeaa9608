"""The console's application: routes, the frame around every page, and its security headers."""

import functools
import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from mainstem.localgcp.bigquery.errors import BigQueryError
from mainstem.localgcp.console import format, pages
from mainstem.localgcp.console.pages import Page, PageFunction, Question
from mainstem.localgcp.console.sources import Sources
from mainstem.localgcp.console.storage import NoSuchObject, StorageUnavailable

HERE = Path(__file__).parent
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
NAVIGATION = (
    ("overview", "Overview", "/console/"),
    ("storage", "Cloud Storage", "/console/storage"),
    ("bigquery", "BigQuery", "/console/bigquery"),
    ("jobs", "Jobs", "/console/jobs"),
    ("secrets", "Secret Manager", "/console/secrets"),
)
ROUTES: tuple[tuple[str, PageFunction], ...] = (
    ("/console/", pages.overview),
    ("/console/storage", pages.buckets),
    ("/console/storage/{bucket}", pages.folder),
    ("/console/storage/{bucket}/{name:path}", pages.stored_object),
    ("/console/bigquery", pages.datasets),
    ("/console/bigquery/{project}/{dataset}", pages.dataset),
    ("/console/bigquery/{project}/{dataset}/{table}", pages.table),
    ("/console/jobs", pages.jobs),
    ("/console/jobs/{project}/{job}", pages.job),
    ("/console/secrets", pages.secrets),
)


def create_app(sources: Sources) -> Starlette:
    """The pages over the given sources; every answer forbids scripts and foreign content."""
    css = (HERE / "static" / "console.css").read_bytes()
    css_path = f"/console/static/console-{hashlib.sha256(css).hexdigest()[:12]}.css"
    render = functools.partial(_render, sources, css_path)
    routes = [Route(path, _endpoint(sources, function, render)) for path, function in ROUTES]
    routes.append(Route("/console", _to_overview))
    routes.append(Route(css_path, functools.partial(_stylesheet, css)))
    routes.append(Route("/console/{rest:path}", functools.partial(_nowhere, render)))
    return Starlette(routes=routes)


Render = Callable[[Page, int], HTMLResponse]


def _endpoint(
    sources: Sources, function: PageFunction, render: Render
) -> Callable[[Request], Awaitable[Response]]:
    def answer(question: Question) -> HTMLResponse:
        try:
            return render(function(sources, question), 200)
        except LookupError as error:
            return render(_problem("Not found", f"{error.args[0]} does not exist."), 404)
        except NoSuchObject:
            return render(_problem("Not found", "There is no such bucket or object."), 404)
        except BigQueryError as error:
            return render(_problem("BigQuery cannot show this", str(error)), 404)
        except StorageUnavailable:
            text = "The storage emulator does not answer; it is restarted when it ends. Try again."
            return render(_problem("Storage is not available", text), 503)

    async def endpoint(request: Request) -> Response:
        question = Question(request.path_params, dict(request.query_params))
        return await run_in_threadpool(answer, question)

    return endpoint


def _render(sources: Sources, css_path: str, page: Page, status: int) -> HTMLResponse:
    now = datetime.now(UTC)
    content = (
        _templates()
        .get_template(page.template)
        .render(
            **page.values,
            title=page.title,
            section=page.section,
            project_id=sources.project,
            navigation=NAVIGATION,
            css_path=css_path,
            ago=lambda at: format.age(at, now),
        )
    )
    return HTMLResponse(content, status_code=status, headers=SECURITY_HEADERS)


def _problem(title: str, text: str) -> Page:
    return Page("problem.html", "", title, {"text": text})


async def _to_overview(request: Request) -> Response:
    return RedirectResponse("/console/")


async def _stylesheet(css: bytes, request: Request) -> Response:
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(css, media_type="text/css", headers=headers)


async def _nowhere(render: Render, request: Request) -> Response:
    return render(_problem("Not found", "The console has no such page."), 404)


@functools.cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["size"] = format.size
    environment.filters["number"] = format.number
    environment.filters["moment"] = format.moment
    environment.filters["first_line"] = format.first_line
    environment.globals["duration"] = format.duration
    return environment
