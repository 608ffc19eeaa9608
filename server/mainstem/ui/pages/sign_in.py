"""Signing in and out, and one-time links."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from mainstem.errors import Conflict, Denied, InvalidInput, NotFound
from mainstem.gate.authenticate import SESSION_COOKIE, address_of, session_of
from mainstem.services.accounts import Accounts
from mainstem.services.limits import TooMany
from mainstem.services.oidc import OidcService
from mainstem.services.users import User
from mainstem.ui.desk import desk
from mainstem.ui.flash import redirect
from mainstem.ui.render import Frame
from mainstem.ui.security import PostedForm

router = APIRouter()
_HOME = "/ui/"
_OIDC_COOKIE = "mainstem_oidc"


def accounts_of(request: Request) -> Accounts:
    """Raises NotFound in a dashboard that has no accounts."""
    found = desk(request).services.accounts
    if found is None:
        raise NotFound("This dashboard has no users.")
    return found


@router.get("/login")
def page_login(request: Request) -> Response:
    """The form; whoever has a session goes on at once."""
    accounts = accounts_of(request)
    secret = session_of(request.headers)
    if accounts.is_open or (secret and accounts.sign_in.by_session(secret)):
        return RedirectResponse(_HOME, status_code=303)
    return _form(request, request.query_params.get("next", ""))


def _form(
    request: Request, wanted: str, *, name: str = "", error: str = "", status: int = 200
) -> Response:
    accounts = accounts_of(request)
    context = {
        "next": wanted if wanted.startswith(_HOME) else "",
        "name": name,
        "error": error,
        "empty": not accounts.users.count(),
        "provider": accounts.oidc.label if accounts.oidc else "",
    }
    return desk(request).renderer.page(
        request, "login", Frame("", "Sign in"), context, status=status
    )


@router.post("/login")
def sign_in(request: Request, form: PostedForm) -> Response:
    """A fresh session, and back to where the reader wanted to go."""
    accounts = accounts_of(request)
    name, password = str(form.get("name") or ""), str(form.get("password") or "")
    wanted = str(form.get("next") or "")
    try:
        user = accounts.sign_in.by_password(name, password, address_of(request.scope))
    except TooMany as error:
        answer = _form(request, wanted, name=name, error=error.message, status=429)
        answer.headers["retry-after"] = str(error.seconds)
        return answer
    except Denied as error:
        return _form(request, wanted, name=name, error=error.message, status=401)
    return begin(request, user, wanted)


def begin(request: Request, user: User, wanted: str = "") -> Response:
    """Sign a verified user in, with a new session in place of the browser's old one."""
    accounts = accounts_of(request)
    secret = accounts.sign_in.begin_session(
        user,
        address_of(request.scope),
        request.headers.get("user-agent", ""),
        session_of(request.headers),
    )
    response = redirect(wanted or _HOME)
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        max_age=int(accounts.session_life.total_seconds()),
        path="/",
        httponly=True,
        samesite="lax",
        secure=accounts.secure or request.url.scheme == "https",
    )
    return response


@router.post("/logout")
def sign_out(request: Request, form: PostedForm) -> Response:
    """The session ends here and in the browser."""
    secret = session_of(request.headers)
    if secret:
        accounts_of(request).sign_in.end_session(secret)
    response = RedirectResponse("/ui/login", status_code=303)
    response.delete_cookie(SESSION_COOKIE, path="/")
    return response


# an identity provider


def _provider(request: Request) -> OidcService:
    found = accounts_of(request).oidc
    if found is None:
        raise NotFound("This server has no identity provider.")
    return found


@router.get("/login/oidc")
def begin_oidc(request: Request) -> Response:
    """Off to the provider, with what must come back sealed in a cookie."""
    accounts = accounts_of(request)
    wanted = request.query_params.get("next", "")
    address = f"{accounts.base_url}/ui/login/oidc/callback"
    begun = _provider(request).begin(address, wanted if wanted.startswith(_HOME) else "")
    response = RedirectResponse(begun.address, status_code=303)
    response.set_cookie(
        _OIDC_COOKIE, begun.cookie, max_age=600, path="/ui/login", httponly=True,
        samesite="lax", secure=accounts.secure,
    )  # fmt: skip
    return response


@router.get("/login/oidc/callback")
def finish_oidc(request: Request) -> Response:
    """Back from the provider."""
    given = request.query_params
    cookie = request.cookies.get(_OIDC_COOKIE, "")
    try:
        if "error" in given:
            raise Denied("The identity provider did not let you in.")
        user, wanted = _provider(request).finish(
            cookie, given.get("state", ""), given.get("code", "")
        )
    except (Denied, Conflict, InvalidInput) as error:
        return _form(request, "", error=error.message, status=401)
    response = begin(request, user, wanted)
    response.delete_cookie(_OIDC_COOKIE, path="/ui/login")
    return response


# one-time links


@router.get("/welcome/{link}")
def page_welcome(request: Request, link: str) -> Response:
    """Where a one-time link leads: choose a password, the first admin also a name."""
    user = accounts_of(request).users.of_link(link)
    return _welcome(request, user)


def _welcome(
    request: Request, user: User | None, *, name: str = "admin", error: str = ""
) -> Response:
    title = "Create the first admin" if user is None else "Choose your password"
    context = {"user": user, "name": name, "error": error}
    return desk(request).renderer.page(
        request, "welcome", Frame("", title), context, status=422 if error else 200
    )


@router.post("/welcome/{link}")
def redeem(request: Request, link: str, form: PostedForm) -> Response:
    """Use the link up, and sign in."""
    accounts = accounts_of(request)
    holder = accounts.users.of_link(link)
    name, password = str(form.get("name") or ""), str(form.get("password") or "")
    try:
        if password != str(form.get("again") or ""):
            raise InvalidInput("The two passwords are not the same.")
        user = accounts.users.redeem(link, password, name)
    except (InvalidInput, Conflict) as error:
        return _welcome(request, holder, name=name, error=error.message)
    return begin(request, user)
