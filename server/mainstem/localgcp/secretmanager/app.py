"""The routes: each names the operation and the query parameters it takes; others are refused."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mainstem.localgcp.secretmanager import changes, wire
from mainstem.localgcp.secretmanager.errors import ApiError, Status, invalid, unsupported
from mainstem.localgcp.secretmanager.filters import compile_filter
from mainstem.localgcp.secretmanager.model import VersionState
from mainstem.localgcp.secretmanager.service import SecretManager
from mainstem.localgcp.secretmanager.wire import Json

SECRET_ID = re.compile(r"[A-Za-z0-9_-]{1,255}\Z")
VERSION_ID = re.compile(r"[A-Za-z0-9_-]{1,63}\Z")
MAX_BODY_BYTES = 262_144
# Parameters that every Google API takes and that change nothing about a JSON answer.
SYSTEM_PARAMETERS = {"$alt", "alt", "key", "prettyPrint", "$prettyPrint", "quotaUser"}
SECRETS = "/v1/projects/{project}/secrets"
SECRET = SECRETS + "/{secret}"
VERSION = SECRET + "/versions/{version}"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read and bounded."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Json

    @property
    def project(self) -> str:
        return self.path["project"]

    @property
    def secret(self) -> str:
        return f"projects/{self.project}/secrets/{self.path['secret']}"

    @property
    def wants_numbers(self) -> bool:
        alt = self.query.get("$alt", self.query.get("alt", ""))
        return "enum-encoding=int" in alt


Operation = Callable[[SecretManager, Call], Json]


def create_app(manager: SecretManager) -> Starlette:
    """The API over one store; it judges no tokens: that is the gate's work."""
    return Starlette(
        routes=[
            Route(path, _endpoint(manager, operation, parameters), methods=[method])
            for method, path, operation, parameters in ROUTES
        ]
        + [Route("/{rest:path}", _unknown, methods=["GET", "POST", "PATCH", "DELETE", "PUT"])]
    )


def create_secret(manager: SecretManager, call: Call) -> Json:
    secret_id = call.query.get("secretId", "")
    if not SECRET_ID.match(secret_id):
        raise invalid(
            f"The secret id '{secret_id[:300]}' is not valid: 1 to 255 letters, digits, hyphens "
            f"and underscores."
        )
    return wire.secret_json(manager.create(call.project, secret_id, changes.for_create(call.body)))


def get_secret(manager: SecretManager, call: Call) -> Json:
    return wire.secret_json(manager.get(call.secret))


def list_secrets(manager: SecretManager, call: Call) -> Json:
    matches = compile_filter(call.query.get("filter", ""))
    found = [one for one in manager.list(call.project) if matches(wire.secret_fields(one))]
    return wire.page([wire.secret_json(secret) for secret in found], "secrets", call.query)


def patch_secret(manager: SecretManager, call: Call) -> Json:
    change = changes.for_patch(call.body, call.query.get("updateMask", ""))
    return wire.secret_json(manager.patch(call.secret, change, _etag(call.body)))


def delete_secret(manager: SecretManager, call: Call) -> Json:
    manager.delete(call.secret, call.query.get("etag", ""))
    return {}


def add_version(manager: SecretManager, call: Call) -> Json:
    data, has_checksum = wire.payload_from(call.body)
    secret, version = manager.add_version(call.secret, data, has_client_checksum=has_checksum)
    return wire.version_json(secret, version, with_numbers=call.wants_numbers)


def list_versions(manager: SecretManager, call: Call) -> Json:
    secret = manager.get(call.secret)
    matches = compile_filter(call.query.get("filter", ""))
    newest_first = sorted(secret.versions.values(), key=lambda one: one.number, reverse=True)
    found = [one for one in newest_first if matches(wire.version_fields(secret, one))]
    items = [wire.version_json(secret, one, with_numbers=call.wants_numbers) for one in found]
    return wire.page(items, "versions", call.query)


def get_version(manager: SecretManager, call: Call) -> Json:
    secret, version = manager.version(call.secret, _which(call))
    return wire.version_json(secret, version, with_numbers=call.wants_numbers)


def access_version(manager: SecretManager, call: Call) -> Json:
    return wire.payload_json(*manager.access(call.secret, _which(call)))


def _becoming(state: VersionState) -> Operation:
    def change_state(manager: SecretManager, call: Call) -> Json:
        wire.only_fields(call.body, {"etag", "name"}, "")
        which = _which(call)
        secret, version = manager.set_state(call.secret, which, state, _etag(call.body))
        return wire.version_json(secret, version, with_numbers=call.wants_numbers)

    return change_state


def _refused(what: str) -> Operation:
    def refuse(manager: SecretManager, call: Call) -> Json:
        raise unsupported(what)

    return refuse


def _which(call: Call) -> str:
    which = call.path["version"]
    if not VERSION_ID.match(which):
        raise invalid(f"'{which[:80]}' is not a version: a number, `latest` or an alias.")
    return which


def _etag(body: Mapping[str, object]) -> str:
    etag = body.get("etag")
    return etag if isinstance(etag, str) else ""


LIST = {"pageSize", "pageToken", "filter"}
ROUTES: tuple[tuple[str, str, Operation, set[str]], ...] = (
    ("POST", SECRETS, create_secret, {"secretId"}),
    ("GET", SECRETS, list_secrets, LIST),
    ("POST", SECRET + ":addVersion", add_version, set()),
    ("GET", SECRET + ":getIamPolicy", _refused("Secrets.getIamPolicy"), {"*"}),
    ("POST", SECRET + ":setIamPolicy", _refused("Secrets.setIamPolicy"), {"*"}),
    ("POST", SECRET + ":testIamPermissions", _refused("Secrets.testIamPermissions"), {"*"}),
    ("POST", SECRET + ":rotateSecret", _refused("Secrets.rotateSecret"), {"*"}),
    ("POST", SECRET + ":enableManagedRotation", _refused("Secrets.managedRotation"), {"*"}),
    ("GET", SECRET, get_secret, set()),
    ("PATCH", SECRET, patch_secret, {"updateMask"}),
    ("DELETE", SECRET, delete_secret, {"etag"}),
    ("GET", SECRET + "/versions", list_versions, LIST),
    ("GET", VERSION + ":access", access_version, set()),
    ("POST", VERSION + ":enable", _becoming(VersionState.ENABLED), set()),
    ("POST", VERSION + ":disable", _becoming(VersionState.DISABLED), set()),
    ("POST", VERSION + ":destroy", _becoming(VersionState.DESTROYED), set()),
    ("GET", VERSION, get_version, set()),
    (
        "GET",
        "/v1/projects/{project}/locations/{rest:path}",
        _refused("A regional secret (projects/*/locations/*)"),
        {"*"},
    ),
    (
        "POST",
        "/v1/projects/{project}/locations/{rest:path}",
        _refused("A regional secret (projects/*/locations/*)"),
        {"*"},
    ),
)


def _endpoint(
    manager: SecretManager, operation: Operation, parameters: set[str]
) -> Callable[[Request], object]:
    async def endpoint(request: Request) -> Response:
        try:
            call = await _call(request, parameters)
            # The store waits for the disk; the loop serves other emulators meanwhile.
            return JSONResponse(await run_in_threadpool(operation, manager, call))
        except ApiError as error:
            return JSONResponse(error.body(), status_code=error.status.http)

    return endpoint


async def _call(request: Request, parameters: set[str]) -> Call:
    query = dict(request.query_params)
    for name in query:
        if name not in parameters | SYSTEM_PARAMETERS and "*" not in parameters:
            raise invalid(
                f'Invalid JSON payload received. Unknown name "{name}": '
                f"Cannot bind query parameter."
            )
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise invalid(f"The request is larger than {MAX_BODY_BYTES} bytes.")
    return Call(request.path_params, query, wire.object_from(body))


async def _unknown(request: Request) -> Response:
    error = ApiError(
        Status.NOT_FOUND,
        f"The local Secret Manager has no method {request.method} {request.url.path[:200]}.",
    )
    return JSONResponse(error.body(), status_code=404)
