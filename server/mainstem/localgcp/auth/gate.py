"""The door of the services: every request is judged before an emulator sees it."""

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mainstem.localgcp.auth.tokens import Denied, Tokens

INVALID = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login "
    "cookie or other valid authentication credential. See "
    "https://developers.google.com/identity/sign-in/web/devconsole-project."
)
MISSING = (
    "Request is missing required authentication credential. Expected OAuth 2 access token, "
    "login cookie or other valid authentication credential. See "
    "https://developers.google.com/identity/sign-in/web/devconsole-project."
)


class Gate:
    """Answers 401 in Google's shape to bad tokens; else notes the caller's email in the scope."""

    def __init__(self, app: ASGIApp, tokens: Tokens) -> None:
        self._app = app
        self._tokens = tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            caller = self._tokens.authenticate(Headers(scope=scope).get("authorization"))
        except Denied as denied:
            await refusal(missing=denied.missing)(scope, receive, send)
            return
        scope.setdefault("state", {})["caller_email"] = caller.email
        await self._app(scope, receive, send)


def refusal(*, missing: bool) -> JSONResponse:
    """The 401 answer as Google's API front end writes it."""
    message = MISSING if missing else INVALID
    detail = {
        "message": "Login Required." if missing else "Invalid Credentials",
        "domain": "global",
        "reason": "required" if missing else "authError",
        "location": "Authorization",
        "locationType": "header",
    }
    error = {"code": 401, "message": message, "errors": [detail], "status": "UNAUTHENTICATED"}
    return JSONResponse(
        {"error": error},
        status_code=401,
        headers={"WWW-Authenticate": 'Bearer realm="https://accounts.google.com/"'},
    )
