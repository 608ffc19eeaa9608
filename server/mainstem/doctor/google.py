"""Checks of Google Cloud, as the flows of a namespace use it: through the real clients.

Where they find things: the entries GCP_PROJECT_ID, GCP_BUCKET_NAME, GCP_DATASET, GCP_LOCATION and
GCP_CREDS of the key-value store, which the examples use.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from mainstem.clock import SystemClock
from mainstem.doctor.finding import Finding, fail, first_line, ok, skip, warn
from mainstem.settings import EndpointSettings, Settings
from mainstem.store import kv
from mainstem.store.database import connect
from mainstem.store.migrate import missing

_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_WANTED: Final = ("PROJECT_ID", "BUCKET_NAME", "DATASET", "LOCATION", "CREDS")
_OBJECTS: Final = ("create", "delete", "get", "list")
_MULTI: Final = {"US": ("us-", "northamerica-"), "EU": ("europe-",)}
_PATIENCE: Final = 15.0


@dataclass(frozen=True, slots=True)
class Place:
    """What the flows of one namespace use."""

    namespace: str
    project: str
    bucket: str | None
    dataset: str | None
    location: str
    key: Mapping[str, Any] | None
    endpoints: EndpointSettings

    @property
    def member(self) -> str:
        """Who needs the roles."""
        email = self.key.get("client_email") if self.key else None
        return f"serviceAccount:{email or 'EMAIL_OF_THE_SERVER'}"


def google(settings: Settings) -> Iterator[Finding]:
    """Every namespace that names a project."""
    entries = _entries(settings)
    found = False
    for namespace, values in sorted(entries.items()):
        project = values.get("PROJECT_ID")
        if not project:
            continue
        found = True
        key, problem = _key(values.get("CREDS"))
        if problem is not None:
            yield fail(
                f"gcp {namespace}", problem,
                f"mainstem kv set {namespace} GCP_CREDS --file key.json",
            )  # fmt: skip
            continue
        place = Place(
            namespace, project, values.get("BUCKET_NAME"), values.get("DATASET"),
            values.get("LOCATION") or "US", key, settings.gcp.endpoints,
        )  # fmt: skip
        yield from check(place)
    if not found:
        yield skip("gcp", "no namespace has the entry GCP_PROJECT_ID")


def _entries(settings: Settings) -> dict[str, dict[str, str]]:
    if not settings.is_shared and not (settings.state_dir / "mainstem.db").exists():
        return {}
    database = connect(settings.database_url, 2)
    try:
        with database.read() as tx:
            stored = [] if "initial" in missing(tx) else kv.entries(tx)
    finally:
        database.close()
    now = SystemClock().now()
    found: dict[str, dict[str, str]] = {}
    for entry in stored:
        name = entry.key.upper().removeprefix("GCP_")
        if name in _WANTED and (entry.expires_at is None or entry.expires_at > now):
            value = entry.value
            text = value if isinstance(value, str) else json.dumps(value)
            found.setdefault(entry.namespace, {})[name] = text
    return found


def _key(text: str | None) -> tuple[Mapping[str, Any] | None, str | None]:
    if not text:
        return None, None
    try:
        key = json.loads(text)
    except ValueError:
        key = None
    if not isinstance(key, dict):
        return None, "GCP_CREDS is not the JSON text of a service-account key"
    absent = sorted({"client_email", "private_key", "token_uri"} - set(key))
    return (None, f"the key in GCP_CREDS has no {', '.join(absent)}") if absent else (key, None)


def check(place: Place) -> Iterator[Finding]:
    """Credentials, BigQuery and the bucket of one namespace."""
    name = f"gcp {place.namespace}"
    try:
        credentials = _credentials(place)
    except Exception as error:
        yield fail(
            name, f"no Google credentials: {first_line(error)}",
            "give the server a service account, or store a key as GCP_CREDS",
        )  # fmt: skip
        return
    who = place.key["client_email"] if place.key else "the credentials of the server"
    yield ok(name, f"project {place.project} as {who}")
    for look in (_bigquery, _bucket):
        yield from _asked(name, partial(look, place, name, credentials))


def _asked(name: str, check_: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return check_()
    except Exception as error:
        text = f"Google does not answer: {type(error).__name__}: {first_line(error)}"
        return [fail(name, text, "check the network and the key, then try again")]


def _credentials(place: Place) -> Any:
    import google.auth
    from google.auth.credentials import AnonymousCredentials
    from google.oauth2 import service_account

    endpoints = place.endpoints
    if endpoints.storage or endpoints.bigquery:
        return AnonymousCredentials()  # type: ignore[no-untyped-call]
    if place.key is not None:
        make: Any = service_account.Credentials.from_service_account_info
        return make(place.key, scopes=[_SCOPE])
    found, _ = google.auth.default(scopes=[_SCOPE])
    return found


def _bigquery(place: Place, name: str, credentials: Any) -> list[Finding]:
    from google.cloud import bigquery
    from google.cloud.bigquery.retry import DEFAULT_RETRY

    retry = DEFAULT_RETRY.with_timeout(_PATIENCE)
    endpoint = place.endpoints.bigquery
    client = bigquery.Client(
        project=place.project,
        credentials=credentials,
        client_options={"api_endpoint": endpoint} if endpoint else None,
    )
    with closing(client):
        return [*_queries(place, name, client, retry), *_dataset(place, name, client, retry)]


def _queries(place: Place, name: str, client: Any, retry: Any) -> list[Finding]:
    from google.api_core.exceptions import Forbidden
    from google.cloud import bigquery

    try:
        plan = bigquery.QueryJobConfig(dry_run=True)
        client.query("SELECT 1", job_config=plan, location=place.location, retry=retry)
    except Forbidden as error:
        grant = (
            f"gcloud projects add-iam-policy-binding {place.project} "
            f"--member={place.member} --role=roles/bigquery.jobUser"
        )
        return [fail(name, f"BigQuery refuses queries: {error.message}", grant)]
    return [ok(name, "BigQuery takes queries")]


def _dataset(place: Place, name: str, client: Any, retry: Any) -> list[Finding]:
    from google.api_core.exceptions import Forbidden, NotFound

    if not place.dataset:
        return []
    what = f"dataset {place.dataset}"
    try:
        found = client.get_dataset(place.dataset, retry=retry)
    except NotFound:
        make = f"bq --location={place.location} mk -d {place.project}:{place.dataset}"
        return [fail(name, f"there is no {what} in project {place.project}", make)]
    except Forbidden as error:
        grant = f"grant roles/bigquery.dataEditor on it to {place.member}"
        return [fail(name, f"{what} cannot be seen: {error.message}", grant)]
    return [_located(name, what, found.location, place.location)]


def _bucket(place: Place, name: str, credentials: Any) -> list[Finding]:
    from google.cloud import storage  # type: ignore[attr-defined]

    if not place.bucket:
        return []
    endpoint = place.endpoints.storage
    client = storage.Client(
        project=place.project,
        credentials=credentials,
        client_options={"api_endpoint": endpoint} if endpoint else None,
    )
    with closing(client):
        return _objects(place, name, client)


def _objects(place: Place, name: str, client: Any) -> list[Finding]:
    from google.api_core.exceptions import Forbidden, NotFound

    grant = (
        f"gcloud storage buckets add-iam-policy-binding gs://{place.bucket} "
        f"--member={place.member} --role=roles/storage.objectAdmin"
    )
    try:
        bucket = client.get_bucket(place.bucket, timeout=_PATIENCE, retry=None)
    except NotFound:
        make = f"gcloud storage buckets create gs://{place.bucket} --location={place.location}"
        return [fail(name, f"there is no bucket {place.bucket}", make)]
    except Forbidden as error:
        return [fail(name, f"bucket {place.bucket} cannot be seen: {error.message}", grant)]
    found = [_near(place, name, str(bucket.location or ""))]
    wanted = [f"storage.objects.{action}" for action in _OBJECTS]
    try:
        granted = bucket.test_iam_permissions(wanted, timeout=_PATIENCE, retry=None)
    except NotFound:
        return [*found, skip(name, "the local bucket knows no permissions")]
    absent = sorted(set(wanted) - set(granted))
    if absent:
        text = f"bucket {place.bucket}: {', '.join(absent)} not granted"
        return [*found, fail(name, text, grant)]
    return [*found, ok(name, f"objects of {place.bucket} can be read and written")]


def _located(name: str, what: str, found: str, wanted: str) -> Finding:
    if found.upper() == wanted.upper():
        return ok(name, f"{what} is in {found}")
    return fail(
        name, f"{what} is in {found}, but GCP_LOCATION says {wanted}",
        f"set GCP_LOCATION to {found}: a dataset cannot move",
    )  # fmt: skip


def _near(place: Place, name: str, found: str) -> Finding:
    """BigQuery loads only from buckets near the dataset."""
    if place.endpoints.storage or fits(place.location, found):
        return ok(name, f"bucket {place.bucket} is there")
    return warn(
        name, f"bucket {place.bucket} is in {found}, BigQuery works in {place.location}",
        f"loads will fail: use a bucket in {place.location}, or another dataset location",
    )  # fmt: skip


def fits(dataset: str, bucket: str) -> bool:
    """Whether a dataset in one location can be loaded from a bucket in the other."""
    near, far = dataset.upper(), bucket.upper()
    if near in (far, "US"):
        return True
    if near in _MULTI:
        return bucket.lower().startswith(_MULTI[near])
    return far in _MULTI and dataset.lower().startswith(_MULTI[far])
