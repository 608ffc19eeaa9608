"""Polling an HTTP address."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from pydantic import Field

from mainstem.expr import truthy
from mainstem.plugins.core.http.common import HttpCall
from mainstem.plugins.core.http.tasks import answered, body_of
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.trigger import Found, PollingTrigger


class Trigger(HttpCall, PollingTrigger):
    """Run the flow when the answer of an address satisfies a condition."""

    TYPE = "io.kestra.plugin.core.http.Trigger"
    ALIASES = ("io.kestra.plugin.fs.http.Trigger",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "uri": "The address that answered, after redirects.",
        "code": "The HTTP status.",
        "headers": "Header names with their values.",
        "body": "The body as text, unless `encryptBody`.",
        "encryptedBody": "The sealed body with `encryptBody`.",
    }

    response_condition: Text = Field(
        default="{{ response.statusCode < 400 }}",
        description="Sees `response.statusCode`, `response.body` and `response.headers`.",
    )
    encrypt_body: Property[bool] = Property(False, bool)

    def poll(self, ctx: RunContext, since: datetime | None) -> Found | None:
        with self.response(ctx) as answer:
            body = body_of(answer, self.largest(ctx))
            plain = answered(ctx, answer, body, encrypt=False)
            ctx.log.debug(f"{answer.url} answered {answer.status_code}")
            if not self._is_wanted(ctx, plain):
                return None
            if ctx.render(self.encrypt_body):
                return Found(answered(ctx, answer, body, encrypt=True))
            return Found(plain)

    def _is_wanted(self, ctx: RunContext, outputs: Mapping[str, object]) -> bool:
        response = {
            "statusCode": outputs["code"],
            "body": outputs["body"],
            "headers": outputs["headers"],
        }
        return truthy(str(ctx.render_value(self.response_condition, {"response": response})))
