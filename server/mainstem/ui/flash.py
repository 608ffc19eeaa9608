"""After a change: back to a page, which says once what was done."""

from typing import Final
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

_COOKIE: Final = "mainstem_said"
_LIMIT: Final = 600


def redirect(target: str, said: str = "") -> Response:
    """See another page of the dashboard; `said` is shown there as a passing message."""
    response = RedirectResponse(target if target.startswith("/ui/") else "/ui/", status_code=303)
    if said:
        response.set_cookie(
            _COOKIE, quote(said[:_LIMIT]), max_age=30, path="/ui", samesite="strict", httponly=True
        )
    return response


def said(request: Request) -> str:
    """The message that the change before this page left, if any."""
    return unquote(request.cookies.get(_COOKIE, ""))


def forget(response: Response) -> None:
    """Do not say it again."""
    response.delete_cookie(_COOKIE, path="/ui")
