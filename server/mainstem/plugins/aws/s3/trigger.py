"""Firing for new objects."""

from datetime import datetime
from typing import Any

from mainstem.plugins.aws.connection import aws_errors
from mainstem.plugins.aws.s3.common import fetch
from mainstem.plugins.aws.s3.lists import Afterwards
from mainstem.sdk.context import RunContext
from mainstem.sdk.seen import StatefulTrigger
from mainstem.sdk.trigger import Found, PollingTrigger


class Trigger(Afterwards, StatefulTrigger, PollingTrigger):
    """Start the flow for objects that are new or changed, which it downloads first."""

    TYPE = "io.kestra.plugin.aws.s3.Trigger"

    def poll(self, ctx: RunContext, since: datetime | None) -> Found | None:
        bucket = ctx.render(self.bucket)
        seen = self.seen(ctx, self.id)
        with aws_errors(f"poll s3://{bucket}"):
            client = self.s3(ctx)
            fired: list[dict[str, Any]] = []
            for item in self.objects(ctx, client, None):
                if item["key"].endswith("/") or len(fired) >= ctx.render(self.max_files):
                    continue
                version = str(item["etag"] or item["lastModified"])
                change = seen.change(f"s3://{bucket}/{item['key']}", version, ctx.now())
                if change is not None:
                    request = {"Bucket": bucket, "Key": item["key"], **self.payer(ctx)}
                    told = fetch(ctx, client, request, validate=False)
                    fired.append({**item, "uri": told["uri"], "changeType": change})
            self.take(ctx, client, fired)
        seen.keep(ctx)
        return Found({"objects": fired}) if fired else None
