"""Credentials and clients, made in one place.

Order of credentials: the task's `serviceAccount` key, else application default credentials (with
endpoints of a local Google Cloud and no key: anonymous). `impersonatedServiceAccount` goes on top.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

from mainstem.errors import MainstemError
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Properties
from mainstem.sdk.task import RunnableTask

_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"


class GcpConnection(Properties):
    """Common properties of everything that asks Google."""

    project_id: Property[Text] | None = None
    service_account: Property[Text] | None = None
    impersonated_service_account: Property[Text] | None = None
    scopes: Property[list[Text]] = Property([_SCOPE], list[str])

    def key(self, ctx: RunContext) -> dict[str, Any] | None:
        """The service-account key, checked for its shape; raises TaskFailed without showing it."""
        text = ctx.render(self.service_account).strip() if self.service_account else ""
        if not text:
            return None
        try:
            key = json.loads(text)
        except ValueError:
            key = None
        if not isinstance(key, dict):
            raise TaskFailed(
                "`serviceAccount` is not the JSON text of a service-account key: store the whole "
                "key file, for example with `mainstem kv set <namespace> GCP_CREDS --file key.json`"
            )
        missing = {"client_email", "private_key", "token_uri"} - set(key)
        if missing:
            raise TaskFailed(f"the service-account key has no {', '.join(sorted(missing))}")
        ctx.mask(key["private_key"])
        return key

    def project(self, ctx: RunContext) -> str:
        """The project to work in: `projectId`, else that of the key; raises TaskFailed."""
        given = ctx.render(self.project_id) if self.project_id is not None else ""
        if given:
            return given
        key = self.key(ctx)
        if key and key.get("project_id"):
            return str(key["project_id"])
        raise TaskFailed("no project: set `projectId`, usually to `{{ kv('GCP_PROJECT_ID') }}`")

    def credentials(self, ctx: RunContext, endpoint: str | None) -> Any:
        """Google credentials; raises TaskFailed when there are none."""
        from google.auth.credentials import AnonymousCredentials

        key = self.key(ctx)
        scopes = ctx.render(self.scopes)
        if key is not None:
            found = _from_key(key, scopes, at_google=endpoint is None)
        elif endpoint is not None:
            return AnonymousCredentials()  # type: ignore[no-untyped-call]
        else:
            found = _default(scopes)
        target = self.impersonated_service_account
        return _impersonate(found, ctx.render(target), scopes) if target is not None else found


class GcpTask(GcpConnection, RunnableTask):
    """A task with the properties of Google Cloud tasks."""


def _from_key(key: dict[str, Any], scopes: list[str], *, at_google: bool) -> Any:
    from google.oauth2 import service_account

    kind = service_account.Credentials if at_google else _home_credentials()
    try:
        return kind.from_service_account_info(key, scopes=scopes)
    except ValueError as error:
        raise TaskFailed(f"the service-account key cannot be used: {error}") from error


@cache
def _home_credentials() -> Any:
    """Credentials that ask Google nothing by themselves.

    The library looks up the account's regional boundary at Google in the background, with the
    token; where endpoints are elsewhere, nothing may dial out.
    """
    from google.oauth2 import service_account

    class HomeCredentials(service_account.Credentials):
        def _build_regional_access_boundary_lookup_url(self, request: Any = None) -> None:
            return None

    return HomeCredentials


def _default(scopes: list[str]) -> Any:
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError

    try:
        found, _ = google.auth.default(scopes=scopes)
    except DefaultCredentialsError as error:
        raise TaskFailed(
            "no Google credentials: set `serviceAccount` (for example "
            "`{{ kv('GCP_CREDS') }}` or `{{ secret('GCP_CREDS') }}`), or give the server "
            "application default credentials"
        ) from error
    return found


def _impersonate(source: Any, target: str, scopes: list[str]) -> Any:
    from google.auth import impersonated_credentials

    return impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]
        source_credentials=source, target_principal=target, target_scopes=scopes
    )


def client_options(endpoint: str | None) -> dict[str, str] | None:
    """The option that sends a client elsewhere, or None for Google itself."""
    return {"api_endpoint": endpoint} if endpoint else None


@contextmanager
def google_errors(doing: str) -> Iterator[None]:
    """Errors of Google's libraries as task failures that say what was being done."""
    from google.api_core.exceptions import GoogleAPICallError, RetryError
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except MainstemError:
        raise
    except GoogleAPICallError as error:
        raise TaskFailed(f"{doing}: {_explain(error)}") from error
    except RetryError as error:
        raise TaskFailed(f"{doing}: no answer in time: {error.message}") from error
    except GoogleAuthError as error:
        raise TaskFailed(
            f"{doing}: Google refuses the credentials: {_first(error)}. Check that the key in "
            "`serviceAccount` is whole, enabled and of this project"
        ) from error


def _first(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__


def _explain(error: Any) -> str:
    code = getattr(error, "code", None)
    details = "; ".join(
        str(item.get("message")) for item in (error.errors or []) if item.get("message")
    )
    message = details or error.message
    hint = ""
    if code == 403:
        hint = " (the service account lacks a permission: grant it the role that the message names)"
    return f"{message}{hint}"
