"""Fivetran."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from mainstem.plugins.pipelines.calls import Retries, Waiting, api
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Duration, Property, Text
from mainstem.sdk.task import Outputs, RunnableTask

_FIVETRAN: Final = "https://api.fivetran.com"
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Sync(Waiting, RunnableTask):
    """Run the sync of a connector."""

    TYPE = "io.kestra.plugin.fivetran.connectors.Sync"

    api_key: Property[Text]
    api_secret: Property[Text]
    base_url: Property[Text] = Property(_FIVETRAN, str)
    connector_id: Property[Text]
    force: Property[bool] = Property(False, bool)
    max_retries: Property[int] = Property(3, int)
    initial_retry_delay: Property[Duration] = Property(timedelta(seconds=1), timedelta)

    def run(self, ctx: RunContext) -> Outputs:
        connector = ctx.render(self.connector_id)
        secret = ctx.render(self.api_secret)
        ctx.mask(secret)
        path = f"/v2/connectors/{quote(connector, safe='')}"
        auth = (ctx.render(self.api_key), secret)
        pause = ctx.render(self.initial_retry_delay).total_seconds()
        retries = Retries(ctx.render(self.max_retries), pause)
        with api(ctx, ctx.render(self.base_url), {}, auth, retries=retries) as service:
            before = _ended(service.get(path)["data"])
            service.post(f"{path}/sync", {"force": ctx.render(self.force)})
            ctx.log.info(f"started the sync of the Fivetran connector {connector}")
            if not ctx.render(self.wait):
                return {}

            def look() -> dict[str, Any] | None:
                found: dict[str, Any] = service.get(path)["data"]
                return found if _ended(found) > before else None

            # Fivetran has no way to stop a sync.
            found = self.follow(ctx, look, lambda: None)
        if _moment(found.get("failed_at")) > _moment(found.get("succeeded_at")):
            tasks = (found.get("status") or {}).get("tasks") or []
            said = "; ".join(str(item.get("message")) for item in tasks)
            why = f": {said}" if said else ""
            raise TaskFailed(f"the sync of the Fivetran connector {connector} failed{why}")
        return {}


def _ended(connector: dict[str, Any]) -> datetime:
    return max(_moment(connector.get("succeeded_at")), _moment(connector.get("failed_at")))


def _moment(text: object) -> datetime:
    return datetime.fromisoformat(str(text)) if text else _LONG_AGO
