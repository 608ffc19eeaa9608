"""Routes of users, roles, tokens and the audit log."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from mainstem.api import wire
from mainstem.api.filters import parse_moment
from mainstem.api.services import Services
from mainstem.model.principal import PERMISSIONS_OF, Grant, Role
from mainstem.services import access
from mainstem.services.audit import AuditFilter, AuditRecord, plain
from mainstem.services.tokens import ApiToken, NewToken
from mainstem.services.users import User

router = APIRouter(tags=["accounts"])


class GrantBody(BaseModel):
    """A role in a namespace and those below it; everywhere for an empty one."""

    role: Role
    namespace: str = Field(default="", max_length=150)


class UserBody(BaseModel):
    """A new user; without a password a one-time link is answered."""

    name: str = Field(max_length=200)
    password: str | None = Field(default=None, max_length=1_000)
    displayName: str = Field(default="", max_length=250)
    roles: list[GrantBody] = Field(default_factory=list, max_length=200)


class UserChange(BaseModel):
    """What is to change; what is left out stays."""

    roles: list[GrantBody] | None = Field(default=None, max_length=200)
    disabled: bool | None = None
    password: str | None = Field(default=None, max_length=1_000)


class TokenBody(BaseModel):
    """A new token; `expiresInDays` null never expires."""

    name: str = Field(max_length=100)
    role: Role = Role.OPERATOR
    namespace: str = Field(default="", max_length=150)
    expiresInDays: int | None = Field(default=90, ge=1, le=3_660)


def _grant(item: Grant) -> wire.Json:
    return {"role": item.role.value, "namespace": item.namespace}


def _user(user: User) -> wire.Json:
    return {
        "id": user.id,
        "name": user.name,
        "displayName": user.display_name,
        "source": user.source,
        "disabled": user.disabled,
        "roles": [_grant(item) for item in user.grants],
        "mappedRoles": [_grant(item) for item in user.mapped],
        "created": wire.moment(user.created_at),
        "signedIn": wire.moment(user.signed_in_at),
    }


def _token(token: ApiToken) -> wire.Json:
    return {
        "id": token.id,
        "name": token.name,
        "userId": token.user_id,
        "createdBy": token.created_by,
        **_grant(token.grant),
        "created": wire.moment(token.created_at),
        "expires": wire.moment(token.expires_at),
        "used": wire.moment(token.used_at),
    }


def _grants(items: list[GrantBody]) -> list[Grant]:
    return [Grant(item.role, item.namespace) for item in items]


@router.get("/me")
def me() -> wire.Json:
    """Who the request comes from, and what they may do."""
    who = access.principal()
    return {
        "id": who.id,
        "name": who.name,
        "kind": who.kind.value,
        "roles": [
            {**_grant(item), "permissions": sorted(PERMISSIONS_OF[item.role])}
            for item in who.grants
        ],
    }


@router.get("/users")
def users(services: Services) -> list[wire.Json]:
    """Everybody, by name."""
    return [_user(user) for user in services.accounts.users.everybody()]


@router.post("/users", status_code=201)
def create_user(body: UserBody, services: Services, request: Request) -> wire.Json:
    """A new user; the link of one without a password works once, for 24 hours."""
    accounts = services.accounts
    made = accounts.users.create(
        body.name, body.password, _grants(body.roles), display_name=body.displayName
    )
    found = _user(made)
    if body.password is None:
        secret = accounts.users.password_link(made.id)
        found["link"] = f"{str(request.base_url).rstrip('/')}/ui/welcome/{secret}"
    return found


@router.get("/users/{user_id}")
def user(user_id: str, services: Services) -> wire.Json:
    return _user(services.accounts.users.get(user_id))


@router.patch("/users/{user_id}")
def change_user(user_id: str, body: UserChange, services: Services) -> wire.Json:
    """Change roles, password, or whether the user may sign in."""
    service = services.accounts.users
    if body.roles is not None:
        service.set_grants(user_id, _grants(body.roles))
    if body.password is not None:
        service.set_password(user_id, body.password)
    if body.disabled is not None:
        service.set_disabled(user_id, body.disabled)
    return _user(service.get(user_id))


@router.delete("/users/{user_id}", status_code=204)
def delete_user(user_id: str, services: Services) -> Response:
    services.accounts.users.remove(user_id)
    return Response(status_code=204)


@router.get("/tokens")
def tokens(services: Services) -> list[wire.Json]:
    """One's own; everybody's for admins. Secrets are never listed."""
    return [_token(token) for token in services.accounts.tokens.visible()]


@router.post("/tokens", status_code=201)
def create_token(body: TokenBody, services: Services) -> wire.Json:
    """The answer holds the secret as `token`, which is never shown again."""
    life = None if body.expiresInDays is None else timedelta(days=body.expiresInDays)
    wanted = NewToken(body.name, Grant(body.role, body.namespace), life)
    made, secret = services.accounts.tokens.create(wanted)
    return {**_token(made), "token": secret}


@router.delete("/tokens/{token_id}", status_code=204)
def revoke_token(token_id: str, services: Services) -> Response:
    """Takes effect at once."""
    services.accounts.tokens.revoke(token_id)
    return Response(status_code=204)


def _filter(request: Request) -> AuditFilter:
    given = request.query_params
    return AuditFilter(
        principal=given.get("principal") or None,
        action=given.get("action") or None,
        outcome=given.get("outcome") or None,
        namespace=given.get("namespace") or None,
        text=given.get("q") or None,
        start=parse_moment(given.get("startDate")),
        end=parse_moment(given.get("endDate")),
    )


@router.get("/audit")
def audit(
    request: Request,
    services: Services,
    size: Annotated[int, Query(ge=1, le=1_000)] = 100,
    before: Annotated[int | None, Query(ge=0, le=2**53)] = None,
) -> list[wire.Json]:
    """Newest first; filters: principal, action, outcome, namespace, q, startDate, endDate."""
    found = services.accounts.audit.search(_filter(request), limit=size, before=before)
    return [plain(record) for record in found]


@router.get("/audit/export")
def export_audit(request: Request, services: Services) -> StreamingResponse:
    """Every record that matches, oldest first, as NDJSON."""
    records = services.accounts.audit.export(_filter(request))
    return StreamingResponse(_lines(records), media_type="application/x-ndjson")


def _lines(records: Iterator[AuditRecord]) -> Iterator[str]:
    for record in records:
        yield json.dumps(plain(record), ensure_ascii=False) + "\n"
