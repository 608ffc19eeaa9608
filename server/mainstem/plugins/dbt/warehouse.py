"""Looks at BigQuery before dbt starts: the target must be there, where the profile says."""

import json
from pathlib import Path
from typing import Any

from mainstem.plugins.dbt.profile import Target, exchanged
from mainstem.sdk.context import RunContext, TaskFailed


def check_target(ctx: RunContext, target: Target, workdir: Path) -> str | None:
    """Raises TaskFailed when project, dataset or location are wrong, saying which and how to mend.

    Profiles that sign in by other means than a key or default credentials are left to dbt. Where
    BigQuery has another address and the profile a key, returns an access token made with the key:
    dbt then has no reason to ask Google anything.
    """
    if not target.project or not target.dataset:
        raise TaskFailed(
            f"profile `{target.profile}` needs `project` (the Google project) and `dataset` (the "
            "BigQuery dataset)"
        )
    if any("{{" in text for text in (target.project, target.dataset, target.location or "")):
        ctx.log.debug("the profile holds expressions of dbt: its target is not checked beforehand")
        return None
    credentials = _credentials(target, workdir)
    if credentials is None:
        ctx.log.debug("the profile signs in by itself: its target is not checked beforehand")
        return None
    client = _client(target, credentials)
    try:
        _check(ctx, client, target)
    finally:
        client.close()
    has_key = str(target.properties.get("method")).startswith("service-account")
    return credentials.token if has_key and target.properties.get("api_endpoint") else None


def _check(ctx: RunContext, client: Any, target: Target) -> None:
    from google.api_core.exceptions import GoogleAPICallError, NotFound
    from google.auth.exceptions import GoogleAuthError

    try:
        dataset = client.get_dataset(f"{target.project}.{target.dataset}")
    except NotFound as error:
        if _exists(client, f"{target.dataset}.{target.project}"):
            raise TaskFailed(exchanged(target)) from error
        raise TaskFailed(
            f"there is no dataset `{target.dataset}` in project `{target.project}`. Create it "
            "(flow gcp_setup does), or correct `project` and `dataset` of the profile"
        ) from error
    except GoogleAuthError as error:
        raise TaskFailed(f"BigQuery refuses the profile's credentials: {error.args[0]}") from error
    except GoogleAPICallError as error:
        raise TaskFailed(f"BigQuery cannot be asked for the dataset: {error.message}") from error
    wanted, found = target.location, dataset.location
    if wanted and found and wanted.lower() != found.lower():
        raise TaskFailed(
            f"dataset `{target.dataset}` is in {found}, but the profile says location {wanted}: "
            f"set `location: {found}` (KV key GCP_LOCATION)"
        )
    ctx.log.info(
        f"dbt builds into BigQuery project {target.project} (dbt: database), dataset "
        f"{target.dataset} (dbt: schema), location {found}"
    )


def _exists(client: Any, name: str) -> bool:
    from google.api_core.exceptions import GoogleAPICallError

    try:
        client.get_dataset(name)
    except (GoogleAPICallError, ValueError):
        return False
    return True


def _credentials(target: Target, workdir: Path) -> Any | None:
    import google.auth
    from google.auth.credentials import AnonymousCredentials
    from google.auth.exceptions import DefaultCredentialsError

    properties, method = target.properties, target.properties.get("method")
    try:
        if method == "service-account":
            key = json.loads((workdir / str(properties.get("keyfile"))).read_text())
            return _of_key(key, target)
        if method == "service-account-json":
            key = properties.get("keyfile_json")
            return _of_key(key, target)
        if method == "oauth":
            return google.auth.default(scopes=_SCOPES)[0]
    except (OSError, ValueError, DefaultCredentialsError) as error:
        raise TaskFailed(
            f"the profile's service-account key cannot be used: {type(error).__name__}; it must be "
            "the whole JSON key file (KV key GCP_CREDS)"
        ) from error
    if not properties.get("api_endpoint"):
        return None
    return AnonymousCredentials()  # type: ignore[no-untyped-call]


def _of_key(key: Any, target: Target) -> Any:
    from google.oauth2 import service_account

    class HomeCredentials(service_account.Credentials):
        def _build_regional_access_boundary_lookup_url(self, request: Any = None) -> None:
            return None

    at_google = not target.properties.get("api_endpoint")
    kind = service_account.Credentials if at_google else HomeCredentials
    return kind.from_service_account_info(key, scopes=_SCOPES)  # type: ignore[no-untyped-call]


_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


def _client(target: Target, credentials: Any) -> Any:
    from google.cloud import bigquery

    endpoint = target.properties.get("api_endpoint")
    return bigquery.Client(
        project=target.project,
        credentials=credentials,
        client_options={"api_endpoint": endpoint} if endpoint else None,
    )
