"""What an expression may see and ask for: variables, the host's effects, and its bounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final, NoReturn, Protocol

from mainstem.expr.errors import Fault
from mainstem.model.light import light


class Host(Protocol):
    """The effects an expression may ask for.

    Implementations refuse by raising an error of mainstem.errors; the expression's place is added
    to its message. Whoever answers `secret` also masks it in what is logged later.
    """

    def kv(self, key: str, namespace: str | None, error_on_missing: bool) -> object: ...

    def secret(self, key: str, namespace: str | None, subkey: str | None) -> str: ...

    def read(self, path: str) -> str: ...

    def file_size(self, path: str) -> int: ...

    def file_uri(self, path: str) -> str: ...

    def file_exists(self, path: str) -> bool: ...

    def error_logs(self) -> list[dict[str, object]]: ...

    def http(self, options: Mapping[str, object]) -> object: ...

    def app_link(self, options: Mapping[str, object]) -> str: ...

    def tasks_with_state(self, state: str) -> list[dict[str, object]]: ...

    def now(self) -> datetime: ...

    def encryption_key(self) -> bytes | Sequence[bytes] | None: ...


class NoHost:
    """A host without effects, for places where an expression may only look at its variables."""

    def __init__(self, now: datetime | None = None) -> None:
        self._now = now

    def kv(self, key: str, namespace: str | None, error_on_missing: bool) -> object:
        """Refused."""
        _refuse("kv")

    def secret(self, key: str, namespace: str | None, subkey: str | None) -> str:
        """Refused."""
        _refuse("secret")

    def read(self, path: str) -> str:
        """Refused."""
        _refuse("read")

    def file_size(self, path: str) -> int:
        """Refused."""
        _refuse("fileSize")

    def file_uri(self, path: str) -> str:
        """Refused."""
        _refuse("fileURI")

    def file_exists(self, path: str) -> bool:
        """Refused."""
        _refuse("fileExists")

    def error_logs(self) -> list[dict[str, object]]:
        """Refused."""
        _refuse("errorLogs")

    def http(self, options: Mapping[str, object]) -> object:
        """Refused."""
        _refuse("http")

    def app_link(self, options: Mapping[str, object]) -> str:
        """Refused."""
        _refuse("appLink")

    def tasks_with_state(self, state: str) -> list[dict[str, object]]:
        """Refused."""
        _refuse("tasksWithState")

    def now(self) -> datetime:
        """The moment it was made with, or the machine's."""
        return self._now or datetime.now(UTC)

    def encryption_key(self) -> bytes | None:
        """None: nothing can be decrypted."""
        return None


def _refuse(function: str) -> NoReturn:
    raise Fault(f"`{function}()` can't be used here, only while an execution runs")


class Jq(Protocol):
    """Runs a jq program on a JSON text, bounded in seconds and in characters of its results."""

    def __call__(self, program: str, text: str, *, seconds: float, most: int) -> str:
        """The results as lines of JSON; raises Fault."""
        ...


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How to render, and how much one rendering may cost."""

    recursive: bool = False
    timezone: tzinfo = UTC
    locale: str = "en"
    max_output: int = 10_000_000
    max_depth: int = 20
    max_steps: int = 1_000_000
    max_seconds: float = 10.0
    max_range: int = 100_000
    max_regex_input: int = 1_000_000
    regex_seconds: float = 2.0
    keep_sealed: bool = False
    jq: Jq | None = None


DEFAULT_OPTIONS: Final = RenderOptions()
_NO_HOST: Final = NoHost()


@light
@dataclass(frozen=True, slots=True)
class Scope:
    """Everything an expression can reach."""

    variables: Mapping[str, object]
    host: Host = field(default=_NO_HOST)
    options: RenderOptions = field(default=DEFAULT_OPTIONS)
