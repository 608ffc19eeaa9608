"""Google Cloud settings of a namespace: which there are, where they come from, what is wrong."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mainstem.errors import Conflict, InvalidInput, NotFound
from mainstem.services.flows import FlowService
from mainstem.services.kv import KvService, StoredKv
from mainstem.services.secrets import SecretService

#: Names by which the flows of courses and templates find their project; what each is for.
GOOGLE_NAMES: Final[Mapping[str, str]] = {
    "GCP_CREDS": "service-account key; not needed where the server has an identity of its own",
    "GCP_PROJECT_ID": "project, which dbt calls database",
    "GCP_LOCATION": "location of bucket and dataset, which must be the same",
    "GCP_BUCKET_NAME": "Cloud Storage bucket",
    "GCP_DATASET": "BigQuery dataset, which dbt calls schema",
}
_CREDENTIALS: Final = "GCP_CREDS"
_MOST_FLOWS: Final = 50


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """What may be told of a service-account key."""

    email: str
    project: str
    key_id: str


@dataclass(frozen=True, slots=True)
class GoogleSetting:
    """One of the well-known names as a namespace sees it; `value` is None for a secret."""

    name: str
    purpose: str
    kind: str = ""
    namespace: str = ""
    value: str | None = None
    faults: tuple[str, ...] = ()


def service_account(value: object) -> ServiceAccount | None:
    """The account of a pasted JSON key, as text or as a map; None for anything else."""
    tree = value
    if isinstance(value, str):
        if '"private_key"' not in value:
            return None
        try:
            tree = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(tree, Mapping) or not isinstance(tree.get("private_key"), str):
        return None
    shown = [tree.get(name) for name in ("client_email", "project_id", "private_key_id")]
    email, project, key_id = (item if isinstance(item, str) else "" for item in shown)
    return ServiceAccount(email, project, key_id)


class CredentialService:
    """Looks at KV entries and secrets together."""

    def __init__(self, kv: KvService, secrets: SecretService, flows: FlowService) -> None:
        self._kv = kv
        self._secrets = secrets
        self._flows = flows

    def google(self, namespace: str) -> list[GoogleSetting]:
        """The well-known names, with what the namespace sees under each."""
        entries = {entry.key: entry for entry in self._kv.visible(namespace)}
        visible, _ = self._secrets.visible(namespace)
        secret_places = {item.note.key: item.namespace for item in visible}
        account = service_account(entries[_CREDENTIALS].value) if _CREDENTIALS in entries else None
        found = []
        for name, purpose in GOOGLE_NAMES.items():
            if name in secret_places:
                found.append(GoogleSetting(name, purpose, "secret", secret_places[name]))
            elif name in entries:
                found.append(_of_entry(name, purpose, entries[name], account))
            else:
                found.append(GoogleSetting(name, purpose))
        return found

    def users_of(self, namespace: str, key: str) -> list[str]:
        """Flows in or below the namespace whose source reads the key by `kv()`."""
        found = set()
        for quote in ("'", '"'):
            for item in self._flows.search(f"kv({quote}{key}{quote}"):
                name = item.flow.namespace
                if name == namespace or name.startswith(f"{namespace}."):
                    found.add(str(item.flow))
        return sorted(found)[:_MOST_FLOWS]

    def to_secret(self, namespace: str, key: str) -> list[str]:
        """Move an entry of exactly this namespace to a secret of the same name.

        Returns the flows that still read it by `kv()`. Raises NotFound, or Conflict when there is
        such a secret already.
        """
        located = self._kv.find(namespace, key, inherit=False)
        if located is None:
            raise NotFound(f"No value found for key '{key}' in namespace '{namespace}'")
        own, _ = self._secrets.own(namespace)
        if any(item.note.key == key for item in own):
            raise Conflict(
                f"namespace {namespace} has a secret `{key}` already: delete one of them"
            )
        self._kv.check_free(namespace, key)
        value = located.stored.value
        text = value if isinstance(value, str) else json.dumps(value)
        if value is None or not text:
            raise InvalidInput(f"`{key}` has no value that could be a secret")
        self._secrets.put(namespace, key, text, located.stored.description)
        self._kv.delete(namespace, key)
        return self.users_of(namespace, key)


def _of_entry(
    name: str, purpose: str, entry: StoredKv, account: ServiceAccount | None
) -> GoogleSetting:
    faults: list[str] = []
    value: str | None = entry.value if isinstance(entry.value, str) else json.dumps(entry.value)
    if name == _CREDENTIALS:
        value = account.email if account else None
        if account is None:
            faults.append("this is not a service-account key in JSON")
        else:
            faults.append(
                "the key lies in the KV store, where its readers see it: make it a secret"
            )
    elif name == "GCP_PROJECT_ID" and account is not None and account.project != value:
        faults.append(f"the key in {_CREDENTIALS} is of project {account.project}")
    return GoogleSetting(name, purpose, "kv", entry.namespace, value, tuple(faults))
