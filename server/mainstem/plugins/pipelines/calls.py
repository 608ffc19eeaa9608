"""Calls of a service's REST API, and waiting for a job of it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from mainstem.errors import MainstemError
from mainstem.sdk.addresses import check_uri, hooks
from mainstem.sdk.answers import json_object, read_bounded, said
from mainstem.sdk.context import RunContext, TaskFailed, TaskKilled
from mainstem.sdk.fields import Duration, Property
from mainstem.sdk.plugin import Properties

_LARGEST: Final = 200_000_000
_SECONDS: Final = 60.0
_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


class Refused(TaskFailed):
    """The service answered with an error; `status` and `said` are its own."""

    def __init__(self, uri: str, status: int, said: str) -> None:
        hint = " (check the credentials of the task)" if status in (401, 403) else ""
        super().__init__(f"{uri} answered {status}: {said}{hint}")
        self.status = status
        self.said = said


@dataclass(frozen=True, slots=True)
class Retries:
    """How often to ask again while a service is busy, and how long to wait before the first time.

    Each further wait is twice as long.
    """

    most: int = 4
    pause_seconds: float = 1.0


class Api:
    """One service, with the headers of its account."""

    def __init__(self, ctx: RunContext, client: Any, base: str, retries: Retries) -> None:
        self._ctx = ctx
        self._client = client
        self._base = base.rstrip("/")
        self._retries = retries

    def get(self, path: str) -> dict[str, Any]:
        """Asked again while the service is busy: looking changes nothing."""
        pause = self._retries.pause_seconds
        for left in reversed(range(self._retries.most + 1)):
            try:
                return self.call("GET", path)
            except Refused as error:
                if error.status not in _TRANSIENT or not left:
                    raise
                self._ctx.log.warn(f"{error.message}; asked again")
            if self._ctx.wait(pause):
                raise TaskKilled
            pause *= 2
        raise AssertionError("unreachable")

    def post(self, path: str, body: Mapping[str, object]) -> dict[str, Any]:
        return self.call("POST", path, body)

    def call(
        self, method: str, path: str, body: Mapping[str, object] | None = None
    ) -> dict[str, Any]:
        """JSON to JSON; raises Refused, or TaskFailed when nobody answers."""
        content = self.read(method, path, body)
        found = json_object(content or b"{}")
        if found is None:
            raise TaskFailed(f"{self._base}{path} did not answer with a JSON object")
        return found

    def read(self, method: str, path: str, body: Mapping[str, object] | None = None) -> bytes:
        import httpx

        uri = f"{self._base}{path}"
        try:
            with self._client.stream(method, uri, json=body) as answer:
                content = read_bounded(answer, _LARGEST)
                if answer.status_code >= 400:
                    raise Refused(uri, answer.status_code, said(content))
                return content
        except httpx.HTTPError as error:
            raise TaskFailed(
                f"{uri} does not answer: {str(error) or type(error).__name__}"
            ) from error


_RETRIES: Final = Retries()


@contextmanager
def api(
    ctx: RunContext,
    base: str,
    headers: Mapping[str, str],
    auth: tuple[str, str] | None = None,
    seconds: float = _SECONDS,
    retries: Retries = _RETRIES,
) -> Iterator[Api]:
    """The service at an address; nothing that shows the way to the metadata server is followed."""
    import httpx

    check_uri(base)
    with httpx.Client(
        headers={"Accept": "application/json", **headers},
        auth=auth,
        timeout=seconds,
        event_hooks=hooks(),
    ) as client:
        yield Api(ctx, client, base, retries)


class Waiting(Properties):
    """Whether and how long the task follows the job."""

    wait: Property[bool] = Property(True, bool)
    max_duration: Property[Duration] = Property(timedelta(minutes=60), timedelta)
    poll_frequency: Property[Duration] = Property(timedelta(seconds=5), timedelta)

    def follow(
        self,
        ctx: RunContext,
        look: Callable[[], dict[str, Any] | None],
        cancel: Callable[[], object],
    ) -> dict[str, Any]:
        """Look until there is an end; a kill, or the end of the time, cancels the job."""
        limit = ctx.render(self.max_duration)
        pause = max(ctx.render(self.poll_frequency).total_seconds(), 0.05)
        last = ctx.now() + limit
        while (found := look()) is None:
            if ctx.wait(pause):
                _quietly(ctx, cancel)
                raise TaskKilled
            if ctx.now() >= last:
                _quietly(ctx, cancel)
                raise TaskFailed(f"the job did not end within {limit} (maxDuration)")
        return found


def _quietly(ctx: RunContext, cancel: Callable[[], object]) -> None:
    with suppress(MainstemError):
        cancel()
        ctx.log.info("asked the service to cancel the job")


def bearer(ctx: RunContext, token: Property[str]) -> dict[str, str]:
    """The header of a token, which no log shows."""
    text = ctx.render(token).strip()
    ctx.mask(text)
    return {"Authorization": f"Bearer {text}"}
