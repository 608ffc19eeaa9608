"""Airbyte Cloud, through its public API."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar, Final

from pydantic import Field

from mainstem.model.duration import parse_duration
from mainstem.model.metric import MetricKind
from mainstem.plugins.pipelines.calls import Api, Waiting, api, bearer
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Duration, Property, Text
from mainstem.sdk.task import Outputs, RunnableTask

_API: Final = "https://api.airbyte.com"
_TOKEN: Final = f"{_API}/v1/applications/token"
_ENDED: Final = ("succeeded", "failed", "cancelled", "incomplete")


class CloudTask(Waiting, RunnableTask):
    """Start a job of a connection and follow it. `baseUrl` is where the API is."""

    KIND: ClassVar[str]

    base_url: Property[Text] = Property(_API, str)
    token: Property[Text] | None = None
    client_id: Property[Text] | None = None
    client_secret: Property[Text] | None = None
    token_url: Property[Text] = Field(default=Property(_TOKEN, str), alias="tokenURL")
    username: Property[Text] | None = None
    password: Property[Text] | None = None
    connection_id: Property[Text]
    poll_frequency: Property[Duration] = Property(timedelta(seconds=1), timedelta)

    def run(self, ctx: RunContext) -> Outputs:
        asked = {"connectionId": ctx.render(self.connection_id), "jobType": self.KIND}
        with self._api(ctx) as service:
            job = service.post("/v1/jobs", asked)
            number = job["jobId"]
            ctx.log.info(f"started the Airbyte job {number}")
            if ctx.render(self.wait):
                job = self._end(ctx, service, number)
        return {"job": job}

    def _end(self, ctx: RunContext, service: Api, number: int) -> dict[str, Any]:
        path = f"/v1/jobs/{number}"

        def look() -> dict[str, Any] | None:
            found = service.get(path)
            return found if found["status"] in _ENDED else None

        job = self.follow(ctx, look, lambda: service.call("DELETE", path))
        for metric, name in (("bytes_synced", "bytesSynced"), ("rows_synced", "rowsSynced")):
            if isinstance(job.get(name), (int, float)):
                ctx.metric(metric, job[name])
        if job.get("duration"):
            seconds = parse_duration(str(job["duration"])).total_seconds()
            ctx.metric("duration", seconds, MetricKind.TIMER)
        if job["status"] != "succeeded":
            raise TaskFailed(
                f"the Airbyte job {number} ended {job['status']}", outputs={"job": job}
            )
        return job

    @contextmanager
    def _api(self, ctx: RunContext) -> Iterator[Api]:
        headers: Mapping[str, str] = {}
        auth = None
        if self.token is not None:
            headers = bearer(ctx, self.token)
        elif self.client_id is not None and self.client_secret is not None:
            headers = self._short_lived(ctx, self.client_id, self.client_secret)
        elif self.username is not None:
            password = ctx.render(self.password) if self.password is not None else ""
            ctx.mask(password)
            auth = (ctx.render(self.username), password)
        with api(ctx, ctx.render(self.base_url), headers, auth) as found:
            yield found

    def _short_lived(
        self, ctx: RunContext, client_id: Property[str], client_secret: Property[str]
    ) -> Mapping[str, str]:
        secret = ctx.render(client_secret)
        ctx.mask(secret)
        asked = {"client_id": ctx.render(client_id), "client_secret": secret}
        with api(ctx, ctx.render(self.token_url), {}) as service:
            token = str(service.post("", asked).get("access_token") or "")
        ctx.mask(token)
        return {"Authorization": f"Bearer {token}"}


class Sync(CloudTask):
    """Run the sync of a connection in Airbyte Cloud."""

    TYPE = "io.kestra.plugin.airbyte.cloud.jobs.Sync"
    KIND = "sync"


class Reset(CloudTask):
    """Reset a connection in Airbyte Cloud."""

    TYPE = "io.kestra.plugin.airbyte.cloud.jobs.Reset"
    KIND = "reset"
