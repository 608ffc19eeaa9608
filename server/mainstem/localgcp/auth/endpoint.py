"""The OAuth 2.0 token endpoint of service accounts: `POST /token`."""

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mainstem.localgcp.auth.jwt import Refused
from mainstem.localgcp.auth.tokens import LIFETIME_SECONDS, Tokens

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# Some client libraries sign for Google's own endpoint whatever the key's token_uri says.
GOOGLE_AUDIENCES = (
    "https://oauth2.googleapis.com/token",
    "https://www.googleapis.com/oauth2/v4/token",
    "https://accounts.google.com/o/oauth2/token",
)
MAX_BODY_BYTES = 65_536


def token_route(tokens: Tokens, token_uri: str) -> Route:
    """The route of the endpoint, judging assertions made for it or for Google's."""
    audiences = frozenset(
        {token_uri, token_uri.replace("127.0.0.1", "localhost"), *GOOGLE_AUDIENCES}
    )

    async def token(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return _refusal("invalid_request", "Request body too large.")
        form = {name: values[-1] for name, values in parse_qs(body.decode("latin-1")).items()}
        return _grant(tokens, form, audiences)

    return Route("/token", token, methods=["POST"])


def _grant(tokens: Tokens, form: dict[str, str], audiences: frozenset[str]) -> Response:
    grant = form.get("grant_type")
    if not grant:
        return _refusal("invalid_request", "Required parameter is missing: grant_type")
    if grant != JWT_BEARER:
        return _refusal("unsupported_grant_type", f"Invalid grant_type: {grant[:80]}")
    assertion = form.get("assertion")
    if not assertion:
        return _refusal("invalid_request", "Required parameter is missing: assertion")
    try:
        access_token = tokens.exchange(assertion, audiences)
    except Refused as refused:
        return _refusal(refused.error, refused.description)
    return JSONResponse(
        {"access_token": access_token, "expires_in": LIFETIME_SECONDS, "token_type": "Bearer"},
        headers={"Cache-Control": "no-store"},
    )


def _refusal(error: str, description: str) -> Response:
    status = 401 if error == "unauthorized_client" else 400
    return JSONResponse(
        {"error": error, "error_description": description},
        status_code=status,
        headers={"Cache-Control": "no-store"},
    )
