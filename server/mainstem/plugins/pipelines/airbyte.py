"""Airbyte of one's own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from mainstem.plugins.pipelines.calls import Api, Refused, Waiting, api, bearer
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Duration, Property, Text
from mainstem.sdk.plugin import Properties
from mainstem.sdk.task import Outputs, RunnableTask

_ENDED: Final = ("failed", "cancelled", "succeeded")
_STATS: Final = {
    "records.committed": "recordsCommitted",
    "records.emitted": "recordsEmitted",
    "bytes.emitted": "bytesEmitted",
    "state.emitted": "stateMessagesEmitted",
}


class ApplicationCredentials(Properties):
    """An application of the account, which gets tokens of short life."""

    client_id: Property[Text]
    client_secret: Property[Text]


class AirbyteConnection(Properties):
    """Where Airbyte is, and who asks it."""

    url: Property[Text]
    username: Property[Text] | None = None
    password: Property[Text] | None = None
    token: Property[Text] | None = None
    application_credentials: ApplicationCredentials | None = None
    http_timeout: Property[Duration] = Property(timedelta(seconds=10), timedelta)

    @contextmanager
    def api(self, ctx: RunContext) -> Iterator[Api]:
        base = ctx.render(self.url).rstrip("/")
        seconds = ctx.render(self.http_timeout).total_seconds()
        headers: Mapping[str, str] = {}
        auth = None
        if self.token is not None:
            headers = bearer(ctx, self.token)
        elif self.application_credentials is not None:
            headers = self._application(ctx, base, self.application_credentials)
        elif self.username is not None:
            password = ctx.render(self.password) if self.password is not None else ""
            ctx.mask(password)
            auth = (ctx.render(self.username), password)
        with api(ctx, base, headers, auth, seconds) as found:
            yield found

    def _application(
        self, ctx: RunContext, base: str, given: ApplicationCredentials
    ) -> Mapping[str, str]:
        secret = ctx.render(given.client_secret)
        ctx.mask(secret)
        asked = {
            "client_id": ctx.render(given.client_id),
            "client_secret": secret,
            "grant-type": "client_credentials",
        }
        with api(ctx, base, {}) as plain:
            token = str(plain.post("/api/v1/applications/token", asked).get("access_token") or "")
        ctx.mask(token)
        return {"Authorization": f"Bearer {token}"}


class AirbyteTask(AirbyteConnection, Waiting, RunnableTask):
    """Common properties of Airbyte tasks."""

    poll_frequency: Property[Duration] = Property(timedelta(seconds=1), timedelta)

    def end(self, ctx: RunContext, service: Api, job: int) -> str:
        """Follow a job; raises TaskFailed when it did not succeed."""

        def look() -> dict[str, Any] | None:
            found = service.post("/api/v1/jobs/get", {"id": job})
            return found if found["job"]["status"] in _ENDED else None

        found = self.follow(ctx, look, lambda: service.post("/api/v1/jobs/cancel", {"id": job}))
        status = str(found["job"]["status"])
        _measure(ctx, found.get("attempts") or [])
        if status != "succeeded":
            raise TaskFailed(f"the Airbyte job {job} ended {status}{_why(found)}")
        ctx.log.info(f"the Airbyte job {job} succeeded")
        return status


def _measure(ctx: RunContext, attempts: list[dict[str, Any]]) -> None:
    ctx.metric("attempts.count", len(attempts))
    last = (attempts[-1].get("attempt") or {}) if attempts else {}
    stats = last.get("totalStats") or {}
    for metric, name in _STATS.items():
        if isinstance(stats.get(name), (int, float)):
            ctx.metric(metric, stats[name])


def _why(found: Mapping[str, Any]) -> str:
    attempts = found.get("attempts") or []
    summary = ((attempts[-1].get("attempt") or {}).get("failureSummary") or {}) if attempts else {}
    said = [
        str(f["externalMessage"]) for f in summary.get("failures") or [] if f.get("externalMessage")
    ]
    return f": {'; '.join(said)}" if said else ""


class Sync(AirbyteTask):
    """Run the sync of a connection."""

    TYPE = "io.kestra.plugin.airbyte.connections.Sync"

    connection_id: Property[Text]
    fail_on_active_sync: Property[bool] = Property(True, bool)

    def run(self, ctx: RunContext) -> Outputs:
        connection = ctx.render(self.connection_id)
        with self.api(ctx) as service:
            try:
                made = service.post("/api/v1/connections/sync", {"connectionId": connection})
            except Refused as error:
                is_running = error.status == 409 or "already running" in error.said.lower()
                if not is_running or ctx.render(self.fail_on_active_sync):
                    raise
                ctx.log.info("a sync is already running (failOnActiveSync: false)")
                return {"jobId": None, "alreadyRunning": True}
            job = int(made["job"]["id"])
            ctx.log.info(f"started the Airbyte job {job}")
            if ctx.render(self.wait):
                self.end(ctx, service, job)
        return {"jobId": job, "alreadyRunning": False}


class CheckStatus(AirbyteTask):
    """Wait for the end of a job."""

    TYPE = "io.kestra.plugin.airbyte.connections.CheckStatus"

    job_id: Property[Text]

    def run(self, ctx: RunContext) -> Outputs:
        with self.api(ctx) as service:
            return {"finalJobStatus": self.end(ctx, service, int(ctx.render(self.job_id)))}
