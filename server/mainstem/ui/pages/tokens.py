"""API tokens, one's password and sessions."""

from datetime import timedelta

from fastapi import APIRouter, Request
from starlette.responses import Response

from mainstem.errors import InvalidInput, MainstemError
from mainstem.gate.authenticate import session_of
from mainstem.model.principal import Permission, PrincipalKind, Role
from mainstem.services import access
from mainstem.services.hashes import hash_secret
from mainstem.services.tokens import NewToken
from mainstem.services.users import parse_grant
from mainstem.ui.desk import desk
from mainstem.ui.flash import redirect
from mainstem.ui.pages.sign_in import accounts_of
from mainstem.ui.render import Crumb, Frame, link
from mainstem.ui.security import PostedForm

router = APIRouter()
LIVES = (("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("", "It never expires"))


@router.get("/tokens")
def page_tokens(request: Request) -> Response:
    """The reader's tokens, for admins everybody's."""
    return _page(request)


def _page(
    request: Request, *, secret: str = "", error: str = "", problem: str = "", status: int = 200
) -> Response:
    accounts = accounts_of(request)
    who = access.principal()
    is_user = who.kind is PrincipalKind.USER
    user = accounts.users.get(who.id) if is_user else None
    kept = session_of(request.headers)
    context = {
        "tokens": accounts.tokens.visible(),
        "owners": accounts.tokens.owners() if who.may(Permission.USER_ADMIN) else {},
        "user": user,
        "sessions": accounts.sign_in.sessions_of(who.id) if is_user else [],
        "current": hash_secret(kept) if kept else "",
        "roles": [role.value for role in Role],
        "lives": LIVES,
        "secret": secret,
        "error": error,
        "problem": problem,
        "is_open": accounts.is_open,
    }
    frame = Frame("settings", "Tokens and sessions", (Crumb("Settings", link("settings")),))
    answer = desk(request).renderer.page(request, "tokens", frame, context, status=status)
    if secret:
        answer.headers["cache-control"] = "no-store"
    return answer


@router.post("/tokens")
def create(request: Request, form: PostedForm) -> Response:
    """The secret is shown on the page that answers, and never again."""
    try:
        days = str(form.get("days") or "")
        if days and not (days.isdigit() and len(days) < 6):
            raise InvalidInput("the days must be a number")
        grant = parse_grant(f"{form.get('role') or ''}:{form.get('namespace') or ''}")
        life = timedelta(days=int(days)) if days else None
        wanted = NewToken(str(form.get("name") or ""), grant, life)
        _, secret = accounts_of(request).tokens.create(wanted)
    except MainstemError as error:
        return _page(request, error=error.message, status=422)
    return _page(request, secret=secret)


@router.post("/tokens/_revoke")
def revoke(request: Request, form: PostedForm) -> Response:
    """Takes effect at once."""
    gone = accounts_of(request).tokens.revoke(str(form.get("id") or ""))
    return redirect(link("tokens"), f"Revoked {gone.name}")


@router.post("/tokens/_password")
def password(request: Request, form: PostedForm) -> Response:
    """A new password; other sessions of the user end."""
    who = access.principal()
    kept = session_of(request.headers)
    try:
        if form.get("password") != form.get("again"):
            raise InvalidInput("The two passwords are not the same.")
        accounts_of(request).users.change_password(
            who.id,
            str(form.get("old") or ""),
            str(form.get("password") or ""),
            keep_session=hash_secret(kept) if kept else "",
        )
    except MainstemError as error:
        return _page(request, problem=error.message, status=422)
    return redirect(link("tokens"), "Changed the password; other sessions have ended")


@router.post("/tokens/_sessions")
def end_sessions(request: Request, form: PostedForm) -> Response:
    """End every session but this one."""
    ended = accounts_of(request).sign_in.end_other_sessions(
        access.principal().id, session_of(request.headers) or ""
    )
    return redirect(link("tokens"), f"Ended {ended} other sessions")
