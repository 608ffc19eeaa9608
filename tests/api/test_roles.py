"""Every route for every role: the answer agrees with the table of permissions."""

import asyncio
import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from mainstem.app import App
from mainstem.gate.permissions import ANY, KEYED, PUBLIC, SIGNED_IN, Rule
from mainstem.gate.protect import endpoints
from mainstem.model.caller import acting_as
from mainstem.model.principal import OPEN, PERMISSIONS_OF, SERVER_WIDE, Grant, Permission, Role
from mainstem.server import create_server
from mainstem.services.tokens import NewToken
from mainstem.settings import load_settings

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300)]
MINE, THEIRS = "mine", "theirs"
Endpoint = tuple[str, str, Rule]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    settings = load_settings(
        overrides={"state_dir": str(tmp_path_factory.mktemp("roles"))}, environment={}
    )
    made = App(settings, environment={})
    yield made
    made.database.close()


@pytest.fixture(scope="module")
def web(app: App) -> FastAPI:
    return create_server(app)


def walked(web: FastAPI) -> list[Endpoint]:
    """Every guarded endpoint once; the second prefix has the rows of the first."""
    return [
        (method, template, rule)
        for method, template, rule in endpoints(web)
        if rule is not None
        and method not in (ANY, "HEAD", "WS")
        and rule.needs not in (PUBLIC, KEYED)
        and not template.startswith("/api/v1/main/")
    ]


def filled(template: str, namespace: str) -> str:
    words = {"namespace": namespace}
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda match: words.get(match[1], "nothing"), template)


def is_allowed(rule: Rule, grant: Grant, namespace: str | None) -> bool:
    """What the table says, told from the roles alone."""
    if rule.needs is SIGNED_IN:
        return True
    assert isinstance(rule.needs, Permission)
    if rule.needs not in PERMISSIONS_OF[grant.role]:
        return False
    if not grant.namespace:
        return True
    if rule.needs in SERVER_WIDE:
        return False
    return namespace in (None, grant.namespace)


def ask(web: FastAPI, secret: str, calls: list[tuple[str, str]]) -> list[httpx.Response]:
    async def all_of_them() -> list[httpx.Response]:
        transport = httpx.ASGITransport(web, raise_app_exceptions=False)
        headers = {"authorization": f"Bearer {secret}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers, timeout=60
        ) as client:
            return [await client.request(method, path) for method, path in calls]

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("place", ["", MINE])
@pytest.mark.parametrize("role", list(Role))
def test_the_answer_agrees_with_the_table(app: App, web: FastAPI, role: Role, place: str) -> None:
    grant = Grant(role, place)
    with acting_as(OPEN):
        _, secret = app.tokens.create(NewToken(f"{role} {place}", grant))
    calls: list[tuple[Endpoint, str | None]] = []
    for found in walked(web):
        namespaces = (MINE, THEIRS) if "{namespace}" in found[1] else (None,)
        calls += [(found, namespace) for namespace in namespaces]
    asked = [(method, filled(path, name or "")) for (method, path, _), name in calls]
    wrong, denied = [], 0
    for ((method, template, rule), name), answer in zip(
        calls, ask(web, secret, asked), strict=True
    ):
        told = f"{method} {template} ({name}): {answer.status_code} {answer.text[:200]}"
        lacks = f"You lack the permission `{rule.needs}`" in plain(answer.text)
        if is_allowed(rule, grant, name):
            # A service may want more than the row: in the whole server, or of the thing itself.
            if answer.status_code == 401 or answer.status_code >= 500 or (lacks and not place):
                wrong.append(told)
        else:
            denied += 1
            if answer.status_code != 403 or not lacks:
                wrong.append(told)
    assert wrong == []
    assert (denied == 0) == (role is Role.ADMIN and not place)
    assert len(calls) > 400


def plain(text: str) -> str:
    return text.replace("&#39;", "'").replace("<code>", "`").replace("</code>", "`")
