"""Tokens of Google's accounts."""

from typing import ClassVar

from mainstem.plugins.gcp.connection import GcpTask, google_errors
from mainstem.sdk.context import RunContext
from mainstem.sdk.task import Outputs


class OauthAccessToken(GcpTask):
    """Make an access token of the service account; the output holds it sealed."""

    TYPE = "io.kestra.plugin.gcp.auth.OauthAccessToken"
    OUTPUTS: ClassVar = {
        "accessToken": "`tokenValue` (sealed), `expirationTime` and `scopes`.",
    }

    def run(self, ctx: RunContext) -> Outputs:
        from google.auth.transport.requests import Request

        with google_errors("make an access token"):
            credentials = self.credentials(ctx, ctx.settings.gcp.token)
            credentials.refresh(Request())
        ctx.mask(credentials.token)
        return {
            "accessToken": {
                "tokenValue": ctx.encrypt(credentials.token),
                "expirationTime": credentials.expiry,
                "scopes": ctx.render(self.scopes),
            }
        }
