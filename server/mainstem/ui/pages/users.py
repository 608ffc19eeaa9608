"""Users and their roles; for admins."""

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from mainstem.errors import InvalidInput, MainstemError
from mainstem.model.principal import Grant, Role
from mainstem.services.users import User, parse_grant
from mainstem.ui.desk import desk
from mainstem.ui.flash import redirect
from mainstem.ui.pages.sign_in import accounts_of
from mainstem.ui.render import Crumb, Frame, link
from mainstem.ui.security import PostedForm

router = APIRouter()
_BLANK = 2


@router.get("/users")
def page_users(request: Request) -> Response:
    """Everybody, and a form for one more."""
    return _list(request)


def _list(request: Request, *, error: str = "", name: str = "") -> Response:
    context = {
        "users": accounts_of(request).users.everybody(),
        "rows": _rows(()),
        "roles": [role.value for role in Role],
        "namespaces": sorted(desk(request).services.flows.namespaces()),
        "error": error,
        "name": name,
    }
    frame = Frame("settings", "Users and roles", (Crumb("Settings", link("settings")),))
    return desk(request).renderer.page(
        request, "users", frame, context, status=422 if error else 200
    )


def _rows(held: tuple[Grant, ...]) -> list[tuple[str, str]]:
    """Role and namespace of each row of the form, with empty ones to fill."""
    return [(grant.role.value, grant.namespace) for grant in held] + [("", "")] * _BLANK


def _grants(form: FormData) -> list[Grant]:
    roles, places = form.getlist("role"), form.getlist("namespace")
    if len(roles) != len(places):
        raise InvalidInput("each role needs a namespace, which may be empty")
    return [
        parse_grant(f"{role}:{place}") for role, place in zip(roles, places, strict=True) if role
    ]


@router.post("/users")
def create(request: Request, form: PostedForm) -> Response:
    """A user without a password, and the link by which they choose one."""
    users = accounts_of(request).users
    name = str(form.get("name") or "")
    try:
        made = users.create(name, None, _grants(form))
    except MainstemError as error:
        return _list(request, error=error.message, name=name)
    return _one(request, made, one_time=users.password_link(made.id))


@router.get("/users/{user_id}")
def page_user(request: Request, user_id: str) -> Response:
    """One user: roles, sessions, and what an admin may do."""
    return _one(request, accounts_of(request).users.get(user_id))


def _one(request: Request, user: User, *, one_time: str = "", error: str = "") -> Response:
    accounts = accounts_of(request)
    address = str(request.base_url).rstrip("/").removesuffix("/ui")
    context = {
        "user": user,
        "rows": _rows(user.grants),
        "roles": [role.value for role in Role],
        "namespaces": sorted(desk(request).services.flows.namespaces()),
        "sessions": accounts.sign_in.sessions_of(user.id),
        "one_time": f"{address}/ui/welcome/{one_time}" if one_time else "",
        "error": error,
    }
    crumbs = (Crumb("Settings", link("settings")), Crumb("Users and roles", link("users")))
    frame = Frame("settings", user.name, crumbs)
    answer = desk(request).renderer.page(
        request, "user", frame, context, status=422 if error else 200
    )
    if one_time:
        answer.headers["cache-control"] = "no-store"
    return answer


@router.post("/users/{user_id}")
def change(request: Request, user_id: str, form: PostedForm) -> Response:
    """Replace the roles that were given by hand."""
    users = accounts_of(request).users
    try:
        user = users.set_grants(user_id, _grants(form))
    except MainstemError as error:
        return _one(request, users.get(user_id), error=error.message)
    return redirect(link("users", user.id), f"Saved the roles of {user.name}")


@router.post("/users/{user_id}/_link")
def password_link(request: Request, user_id: str, form: PostedForm) -> Response:
    """A new one-time link, shown once."""
    users = accounts_of(request).users
    return _one(request, users.get(user_id), one_time=users.password_link(user_id))


@router.post("/users/{user_id}/_disable")
def disable(request: Request, user_id: str, form: PostedForm) -> Response:
    """Lock out or let in."""
    users = accounts_of(request).users
    off = form.get("disabled") == "yes"
    try:
        user = users.set_disabled(user_id, off)
    except MainstemError as error:
        return _one(request, users.get(user_id), error=error.message)
    said = f"{user.name} can no longer sign in" if off else f"{user.name} can sign in again"
    return redirect(link("users", user.id), said)


@router.post("/users/{user_id}/_delete")
def delete(request: Request, user_id: str, form: PostedForm) -> Response:
    """For good."""
    users = accounts_of(request).users
    name = users.get(user_id).name
    try:
        users.remove(user_id)
    except MainstemError as error:
        return _one(request, users.get(user_id), error=error.message)
    return redirect(link("users"), f"Deleted {name}")
