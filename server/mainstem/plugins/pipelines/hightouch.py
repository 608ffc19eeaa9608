"""Hightouch."""

from datetime import timedelta
from typing import Any, Final

from mainstem.plugins.pipelines.calls import Waiting, api, bearer
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Duration, Property, Text
from mainstem.sdk.task import Outputs, RunnableTask

_HIGHTOUCH: Final = "https://api.hightouch.com"
_GOOD: Final = ("success", "completed", "completed_with_errors", "warning")
_BAD: Final = ("failed", "cancelled", "canceled", "interrupted", "aborted_due_to_fatal_error")
_ROWS: Final = ("added", "changed", "removed")


class Sync(Waiting, RunnableTask):
    """Run a sync. `baseUrl` is where the API is."""

    TYPE = "io.kestra.plugin.hightouch.Sync"

    token: Property[Text]
    base_url: Property[Text] = Property(_HIGHTOUCH, str)
    sync_id: Property[int]
    full_resynchronization: Property[bool] = Property(False, bool)
    max_duration: Property[Duration] = Property(timedelta(minutes=5), timedelta)
    poll_frequency: Property[Duration] = Property(timedelta(seconds=1), timedelta)

    def run(self, ctx: RunContext) -> Outputs:
        sync = ctx.render(self.sync_id)
        path = f"/api/v1/syncs/{sync}"
        asked = {"fullResync": ctx.render(self.full_resynchronization)}
        with api(ctx, ctx.render(self.base_url), bearer(ctx, self.token)) as service:
            run = int(service.post(f"{path}/trigger", asked)["id"])
            ctx.log.info(f"started the run {run} of the Hightouch sync {sync}")
            if not ctx.render(self.wait):
                return {"runId": run}

            def look() -> dict[str, Any] | None:
                listed = service.get(f"{path}/runs?runId={run}").get("data") or []
                found = next((item for item in listed if str(item.get("id")) == str(run)), None)
                return found if found is not None and _status(found) in (*_GOOD, *_BAD) else None

            # Hightouch has no way to stop a run.
            found = self.follow(ctx, look, lambda: None)
        if _status(found) not in _GOOD:
            said = found.get("error") or _status(found)
            raise TaskFailed(f"the run {run} of the Hightouch sync {sync} failed: {said}")
        if _status(found) != "success":
            ctx.log.warn(f"the run ended {_status(found)}: {found.get('error') or 'see Hightouch'}")
        return {"runId": run, **_counts(ctx, found)}


def _status(run: dict[str, Any]) -> str:
    return str(run.get("status", "")).strip().lower().replace(" ", "_").replace("-", "_")


def _counts(ctx: RunContext, run: dict[str, Any]) -> dict[str, object]:
    planned, failed = run.get("plannedRows") or {}, run.get("failedRows") or {}
    for name in _ROWS:
        for kind, rows in (("planned", planned), ("failed", failed)):
            count = rows.get(f"{name}Count")
            if isinstance(count, (int, float)):
                ctx.metric(f"rows.{kind}.{name}", count)
    return {f"{name}Count": planned.get(f"{name}Count") for name in _ROWS}
