"""What a source of secrets must do, and the chain of them."""

from collections.abc import Sequence
from typing import Protocol

from mainstem.errors import NotFound
from mainstem.model.flow_id import ancestors


class SecretSource(Protocol):
    """Looks one secret up; None when it does not have it."""

    name: str

    def find(self, namespace: str, key: str) -> str | None: ...
    def names(self, namespace: str) -> list[str]: ...


class SecretChain:
    """Asks sources in order, for the namespace and then for those it lies in."""

    def __init__(self, sources: Sequence[SecretSource]) -> None:
        self._sources = tuple(sources)

    def get(self, namespace: str, key: str) -> str:
        """Raises NotFound naming the key and where it was looked for."""
        for place in ancestors(namespace):
            for source in self._sources:
                value = source.find(place, key)
                if value is not None:
                    return value
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
