"""Firing for new objects."""

from datetime import datetime

from mainstem.plugins.gcp.connection import google_errors
from mainstem.plugins.gcp.gcs.lists import Afterwards
from mainstem.sdk.context import RunContext
from mainstem.sdk.seen import StatefulTrigger
from mainstem.sdk.trigger import Found, PollingTrigger


class Trigger(Afterwards, StatefulTrigger, PollingTrigger):
    """Start the flow for objects that are new or changed, which it downloads first."""

    TYPE = "io.kestra.plugin.gcp.gcs.Trigger"

    def poll(self, ctx: RunContext, since: datetime | None) -> Found | None:
        most, seen = ctx.render(self.max_files), self.seen(ctx, self.id)
        with google_errors(f"poll {ctx.render(self.from_)}"):
            client = self.client(ctx)
            taken: list[dict[str, object]] = []
            fired: list[dict[str, object]] = []
            for item in self.objects(ctx, client, "FILES"):
                if len(fired) >= most:
                    break
                version = f"{item['generation']}:{item['metaGeneration']}"
                change = seen.change(str(item["uri"]), version, ctx.now())
                if change is not None:
                    taken.append(item)
                    uri = self.fetch(ctx, client, item)
                    fired.append({**item, "uri": uri, "changeType": change})
            self.take(ctx, client, taken)
        seen.keep(ctx)
        return Found({"blobs": fired}) if fired else None
