"""Deleting files of the running execution."""

from mainstem.sdk.context import RunContext
from mainstem.sdk.task import Outputs, RunnableTask


class PurgeCurrentExecutionFiles(RunnableTask):
    """Delete every file that this execution has stored."""

    TYPE = "io.kestra.plugin.core.storage.PurgeCurrentExecutionFiles"
    ALIASES = (
        "io.kestra.core.tasks.storages.PurgeExecution",
        "io.kestra.plugin.core.storage.PurgeExecution",
    )

    def run(self, ctx: RunContext) -> Outputs:
        uris = ctx.files.purge_execution()
        ctx.log.info(f"deleted {len(uris)} files")
        return {"uris": uris}
