"""What a source of secrets must do, and the chain of them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol, runtime_checkable

from mainstem.errors import Denied, InvalidInput, MainstemError, NotFound
from mainstem.model.flow_id import ancestors

SECRET_KEY: Final = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]*")
LARGEST_SECRET: Final = 65_536


@dataclass(frozen=True, slots=True)
class SecretNote:
    """What may be told of a secret: all but its value."""

    key: str
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LocatedNote:
    """A secret that a namespace sees, the namespace that has it, and its source."""

    note: SecretNote
    namespace: str
    source: str
    is_shared: bool = False
    writable: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A value and where it was."""

    value: str
    namespace: str
    source: str


class SecretSource(Protocol):
    """Looks one secret up; None when it does not have it.

    Raises Transient when it cannot be asked now.
    """

    name: str

    def find(self, namespace: str, key: str) -> str | None: ...
    def names(self, namespace: str) -> list[str]: ...


@runtime_checkable
class WritableSource(SecretSource, Protocol):
    """A source that takes values."""

    def put(
        self,
        namespace: str,
        key: str,
        value: str,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None: ...
    def remove(self, namespace: str, key: str) -> bool: ...
    def notes(self, namespace: str) -> list[SecretNote]: ...


class SecretChain:
    """Asks sources in order, for the namespace and then for those it lies in.

    `shared` names the sources that answer the same for every namespace. One that cannot be asked
    ends the look-up: going on could give the value of another source.
    """

    def __init__(
        self,
        sources: Sequence[SecretSource],
        writable: WritableSource | None = None,
        shared: frozenset[str] = frozenset(),
    ) -> None:
        self._sources = tuple(sources)
        self._shared = shared
        self.writable = writable

    @property
    def sources(self) -> list[str]:
        """Names of the sources, first asked first."""
        return [source.name for source in self._sources]

    def get(self, namespace: str, key: str) -> str:
        """Raises NotFound naming the key and where it was looked for."""
        return self.locate(namespace, key).value

    def locate(self, namespace: str, key: str) -> Found:
        """As `get`, with where the value was."""
        for place in ancestors(namespace):
            for source in self._sources:
                value = source.find(place, key)
                if value is not None:
                    return Found(value, place, source.name)
        looked = ", ".join(source.name for source in self._sources)
        raise NotFound(
            f"Cannot find secret for key '{key}' in namespace '{namespace}' (looked in: {looked})"
        )

    def names(self, namespace: str) -> dict[str, str]:
        """Names visible in the namespace, with the source each comes from."""
        found: dict[str, str] = {}
        for place in ancestors(namespace):
            for source in self._sources:
                for name in source.names(place):
                    found.setdefault(name, source.name)
        return found

    def listing(self, namespace: str) -> tuple[list[LocatedNote], list[str]]:
        """What the namespace sees, nearest first, and the faults of sources that do not answer."""
        found: dict[str, LocatedNote] = {}
        faults: dict[str, str] = {}
        for place in ancestors(namespace):
            for source in self._sources:
                try:
                    notes = _notes(source, place)
                except MainstemError as error:
                    faults[source.name] = f"{source.name}: {error.message}"
                    continue
                for note in notes:
                    is_shared = source.name in self._shared
                    writable = self.writable is not None and source.name == self.writable.name
                    item = LocatedNote(note, place, source.name, is_shared, writable)
                    found.setdefault(note.key, item)
        return sorted(found.values(), key=lambda item: item.note.key), list(faults.values())

    def must_write(self) -> WritableSource:
        """Raises Denied when no source takes values."""
        if self.writable is None:
            raise Denied(
                "no source of secrets may be written here: set `secrets.write_to`, or change the "
                "secret where it comes from"
            )
        return self.writable


def check_secret_key(key: str) -> str:
    """The key; raises InvalidInput when it is not one."""
    if not SECRET_KEY.fullmatch(key) or len(key) > 250:
        raise InvalidInput(
            f"`{key[:60]}` is not a name of a secret: letters, digits, and . _ - between them"
        )
    return key


def _notes(source: SecretSource, namespace: str) -> list[SecretNote]:
    if isinstance(source, WritableSource):
        return source.notes(namespace)
    return [SecretNote(name) for name in source.names(namespace)]
