"""Google's command line."""

import json

from mainstem.plugins.gcp.connection import GcpConnection
from mainstem.sdk.context import RunContext
from mainstem.sdk.exec_task import ExecTask
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs


class GCloudCLI(GcpConnection, ExecTask):
    """Run `gcloud`, `gsutil` and `bq` commands with the credentials of the task."""

    TYPE = "io.kestra.plugin.gcp.cli.GCloudCLI"

    commands: Property[list[Text]]

    def default_image(self) -> str:
        return "google/cloud-sdk"

    def run(self, ctx: RunContext) -> Outputs:
        self.prepare(ctx)
        return self.execute(ctx, ctx.render(self.commands), self._variables(ctx))

    def _variables(self, ctx: RunContext) -> dict[str, str]:
        found = {
            "CLOUDSDK_CONFIG": str(ctx.workdir / ".gcloud"),
            "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        }
        key = self.key(ctx)
        if key is not None:
            path = ctx.workdir / ".gcp-key.json"
            path.touch(mode=0o600)
            path.write_text(json.dumps(key))
            for name in (
                "GOOGLE_APPLICATION_CREDENTIALS",
                "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
            ):
                found[name] = str(path)
        project = ctx.render(self.project_id) if self.project_id is not None else ""
        project = project or str((key or {}).get("project_id") or "")
        if project:
            found |= {"GOOGLE_CLOUD_PROJECT": project, "CLOUDSDK_CORE_PROJECT": project}
        if self.impersonated_service_account is not None:
            name = ctx.render(self.impersonated_service_account)
            found["CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT"] = name
        return found
