"""The sources there are: those of the settings file, and those set up over the API or the page."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pydantic import SecretStr, ValidationError
from sqlalchemy import Connection

from mainstem.bus.inprocess import Bus, sync_topic
from mainstem.clock import Clock
from mainstem.errors import Conflict, InvalidInput, NotFound
from mainstem.gitsync.address import check_branch, check_commit, check_tag, check_url
from mainstem.gitsync.destinations import check_destinations
from mainstem.model.principal import PrincipalKind
from mainstem.secrets.seal import Sealer
from mainstem.services import access, audit
from mainstem.services.keeping import Kept
from mainstem.settings_git import GitSettings, GitSource
from mainstem.store import git_sources as rows
from mainstem.store import sync_entries, syncs
from mainstem.store.database import Database
from mainstem.store.git_sources import Controls, StoredSource
from mainstem.store.syncs import SyncEvent

CHANGED: Final = "sync-sources"
_FRESH_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Configured:
    """A source; `is_stored` tells those that may be changed here from those of the settings."""

    source: GitSource
    is_stored: bool


@dataclass(frozen=True, slots=True)
class Managed:
    """Where something comes from, and whether it may be changed here as well."""

    source: str
    path: str
    editable: bool


class SourceService:
    """Reads and changes sources; secrets of stored ones are sealed and never given back."""

    def __init__(
        self,
        settings: GitSettings,
        database: Database,
        sealer: Callable[[], Sealer],
        clock: Clock,
        bus: Bus,
    ) -> None:
        self._settings = settings
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._bus = bus
        self._lock = threading.Lock()
        self._opened: dict[str, tuple[datetime, GitSource]] = {}
        self._known: tuple[float, list[Configured]] = (-_FRESH_SECONDS, [])

    @property
    def allow_file(self) -> bool:
        return self._settings.allow_file_urls

    @property
    def largest_push(self) -> int:
        """In bytes."""
        return self._settings.largest_push_mb * 1_000_000

    # reading

    def all(self) -> list[Configured]:
        """Those of the settings first; a name of theirs hides a stored one."""
        found = [Configured(source, False) for source in self._settings.sources]
        names = {item.source.name for item in found}
        return found + [item for item in self._read_stored() if item.source.name not in names]

    def get(self, name: str) -> Configured:
        """Raises NotFound."""
        every = self.all()
        for item in every:
            if item.source.name == name:
                return item
        known = ", ".join(item.source.name for item in every) or "none"
        raise NotFound(f"there is no Git source `{name}` (configured: {known})")

    def controls(self, name: str) -> Controls:
        with self._database.read() as tx:
            return rows.controls(tx, name)

    def check_free(self, tx: Connection, things: Sequence[Kept]) -> None:
        """Raises Conflict for what a source owns and keeps to itself.

        Flows may write values and files of any source; that shows as drift.
        """
        if access.principal().kind is PrincipalKind.SYSTEM:
            things = [thing for thing in things if thing[0] == "flow"]
        owners = sync_entries.owners(tx, things)
        if not owners:
            return
        strict = {c.source.name for c in self.all() if not c.source.editable}
        for key, (source, path) in owners.items():
            if source in strict:
                otherwise = "propose a commit, " if key[0] == "flow" else ""
                raise Conflict(
                    f"{_told(key)} is managed by Git source `{source}` (`{path}`): "
                    f"change it there, {otherwise}or set `editable: true` on the source"
                )

    def managed(self, kind: str, namespace: str) -> dict[str, Managed]:
        """What sources own of this kind in exactly this namespace, by name."""
        editable = {c.source.name: c.source.editable for c in self.all()}
        with self._database.read() as tx:
            owned = sync_entries.owned_in(tx, kind, namespace)
        return {
            entry.name: Managed(source, entry.path, editable[source])
            for source, entry in owned
            if source in editable
        }

    # changing

    def create(self, definition: Mapping[str, Any]) -> GitSource:
        """Raises InvalidInput, or Conflict when the name is taken."""
        source = self.validated(definition)
        if any(item.source.name == source.name for item in self.all()):
            raise Conflict(f"there is already a Git source `{source.name}`")
        now = self._clock.now()
        self._store(source, now, "added")
        return source

    def update(self, name: str, definition: Mapping[str, Any]) -> GitSource:
        """Replace a stored source; a secret that is left out stays, null removes it.

        Raises NotFound, InvalidInput, or Conflict for a source of the settings.
        """
        source = self.validated(self.merged(name, definition))
        with self._database.read() as tx:
            row = rows.get(tx, name)
        self._store(source, row.created_at if row else self._clock.now(), "changed")
        return source

    def merged(self, name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
        """A new definition of a stored source, with the secrets that it does not mention.

        Raises NotFound, Conflict for a source of the settings, or InvalidInput when they would
        be sent to another host than before.
        """
        old, secrets = split(self._stored(name))
        given = {**definition, "name": name}
        inherited = frozenset(secrets) - _named(given)
        wanted = _with_secrets(given, secrets)
        check_destinations(old, wanted, inherited & _named(wanted))
        return wanted

    def shown(self, name: str) -> dict[str, Any]:
        """A source for readers: of secrets only the names; raises NotFound."""
        return shown(self.get(name))

    def remove(self, name: str) -> None:
        """Forget a stored source; flows and files that it brought stay, owned by nobody."""
        self._stored(name)
        with self._database.write() as tx:
            rows.remove(tx, name)
            rows.forget_controls(tx, name)
            sync_entries.forget(tx, name)
            syncs.remove(tx, name)
            audit.record(tx, "sync:remove", f"git source {name}")
        self._tell(name)

    def suspend(self, name: str) -> None:
        """Stop looking at a source until it is resumed; raises NotFound."""
        self._control(name, "suspended", suspended_at=self._clock.now())

    def resume(self, name: str) -> None:
        """Raises NotFound."""
        self._control(name, "resumed", suspended_at=None)

    def pin(self, name: str, commit: str) -> None:
        """Make this commit the wanted one, whatever the branch says; raises NotFound."""
        check_commit(commit)
        self._control(name, f"pinned to {commit}", pin=commit, pinned_at=self._clock.now())

    def unpin(self, name: str) -> None:
        """Follow the branch again; raises NotFound."""
        self._control(name, "unpinned", pin=None, pinned_at=None)

    def validated(self, definition: Mapping[str, Any]) -> GitSource:
        """A definition from outside; raises InvalidInput, never repeating a value."""
        try:
            source = GitSource.model_validate(dict(definition))
        except ValidationError as error:
            faults = "; ".join(
                f"{'.'.join(map(str, item['loc'])) or 'source'}: {item['msg']}"
                for item in error.errors(include_url=False, include_input=False)
            )
            raise InvalidInput(f"Git source: {faults}") from None
        check_branch(source.branch)
        if source.tag:
            check_tag(source.tag)
        if source.commit:
            check_commit(source.commit)
        if not source.push:
            address = check_url(source.url, allow_file=self._settings.allow_file_urls)
            if address.scheme == "ssh" and not source.known_hosts.strip():
                raise InvalidInput("Git source: ssh needs known_hosts, the key lines of the host")
        return source

    def _control(self, name: str, words: str, **changes: object) -> None:
        self.get(name)
        with self._database.write() as tx:
            known = rows.controls(tx, name)
            rows.put_controls(tx, replace(known, **changes))  # type: ignore[arg-type]
            self._note(tx, name, words)
        self._tell(name)

    def _store(self, source: GitSource, created_at: datetime, words: str) -> None:
        definition, secrets = split(source)
        sealed = None
        if secrets:
            sealed = self._sealer().seal(json.dumps(secrets).encode(), _context(source.name))
        row = StoredSource(source.name, definition, sealed, created_at, self._clock.now())
        with self._database.write() as tx:
            rows.put(tx, row)
            self._note(tx, source.name, words)
        with self._lock:
            self._opened.pop(source.name, None)
        self._tell(source.name)

    def _note(self, tx: Connection, name: str, words: str) -> None:
        syncs.add_events(tx, [SyncEvent(name, self._clock.now(), "Source", words)])
        audit.record(tx, f"sync:{words.split()[0]}", f"git source {name}")

    def _tell(self, name: str) -> None:
        with self._lock:
            self._known = (-_FRESH_SECONDS, [])
        self._bus.publish(CHANGED, sync_topic(name))

    def _read_stored(self) -> list[Configured]:
        """Kept for a moment: pages and loops ask often, and other processes change them rarely."""
        with self._lock:
            read_at, known = self._known
        if time.monotonic() - read_at < _FRESH_SECONDS:
            return known
        with self._database.read() as tx:
            stored = rows.all_stored(tx)
        found = [Configured(self._open(row), True) for row in stored]
        with self._lock:
            self._known = (time.monotonic(), found)
        return found

    def _stored(self, name: str) -> GitSource:
        found = self.get(name)
        if not found.is_stored:
            raise Conflict(f"Git source `{name}` is of the settings file: change it there")
        return found.source

    def _open(self, row: StoredSource) -> GitSource:
        with self._lock:
            known = self._opened.get(row.name)
        if known is not None and known[0] == row.updated_at:
            return known[1]
        secrets: dict[str, str] = {}
        if row.sealed is not None:
            secrets = json.loads(self._sealer().open(row.sealed, _context(row.name)))
        source = GitSource.model_validate(_joined(row.definition, secrets))
        with self._lock:
            self._opened[row.name] = (row.updated_at, source)
        return source


def _told(thing: Kept) -> str:
    kind, namespace, name = thing
    if kind == "flow":
        return f"flow `{namespace}.{name}`"
    if kind == "namespace":
        return f"what namespace `{namespace}` says"
    return f"{'key' if kind == 'kv' else 'file'} `{name}` of namespace `{namespace}`"


def split(source: GitSource) -> tuple[dict[str, Any], dict[str, str]]:
    """The definition without secrets, and the secrets by dotted name."""
    secrets: dict[str, str] = {}
    dumped = source.model_dump(mode="python", by_alias=True, exclude_none=True)
    return _taken_out(dumped, "", secrets), secrets


def shown(item: Configured) -> dict[str, Any]:
    """A source for readers: of secrets only the names."""
    definition, secrets = split(item.source)
    return {**definition, "secrets": sorted(secrets), "stored": item.is_stored}


def _taken_out(node: Mapping[str, Any], prefix: str, secrets: dict[str, str]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in node.items():
        if isinstance(value, SecretStr):
            secrets[f"{prefix}{key}"] = value.get_secret_value()
        elif isinstance(value, Mapping):
            kept[key] = _taken_out(value, f"{prefix}{key}.", secrets)
        else:
            kept[key] = list(value) if isinstance(value, tuple) else value
    return kept


def _with_secrets(definition: dict[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
    """Secrets that the new definition does not mention stay."""
    for name, value in secrets.items():
        *outer, last = name.split(".")
        node: Any = definition
        for part in outer:
            node = node.get(part) if isinstance(node, dict) else None
        if isinstance(node, dict) and last not in node:
            node[last] = value
    return definition


def _named(node: Mapping[str, Any], prefix: str = "") -> frozenset[str]:
    """The dotted names in a definition."""
    found: set[str] = set()
    for key, value in node.items():
        found.add(f"{prefix}{key}")
        if isinstance(value, Mapping):
            found |= _named(value, f"{prefix}{key}.")
    return frozenset(found)


def _joined(definition: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(definition))
    return _with_secrets(copied, secrets)


def _context(name: str) -> str:
    return f"git-source\x1f{name}"
