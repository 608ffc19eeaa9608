"""Deleting old executions."""

from collections.abc import Mapping

from mainstem.model.state import State
from mainstem.plugins.core.execution.dates import moment, now_or
from mainstem.sdk.context import ExecutionQuery, PurgeOptions, RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import RunnableTask


class PurgeExecutions(RunnableTask):
    """Delete ended executions with their logs, metrics and files."""

    TYPE = "io.kestra.plugin.core.execution.PurgeExecutions"
    ALIASES = (
        "io.kestra.plugin.core.storage.Purge",
        "io.kestra.core.tasks.storages.Purge",
        "io.kestra.plugin.core.execution.PurgeExecution",
    )

    namespace: Property[Text] | None = None
    flow_id: Property[Text] | None = None
    start_date: Property[Text] | None = None
    end_date: Property[Text] | None = None
    states: Property[list[State]] | None = None
    purge_execution: Property[bool] = Property(True, bool)
    purge_log: Property[bool] = Property(True, bool)
    purge_metric: Property[bool] = Property(True, bool)
    purge_storage: Property[bool] = Property(True, bool)
    batch_size: Property[int] = Property(100, int)

    def run(self, ctx: RunContext) -> Mapping[str, object]:
        """Without `namespace` all namespaces; without `endDate` nothing that began after now."""
        query = ExecutionQuery(
            namespace=ctx.render(self.namespace) if self.namespace is not None else None,
            flow_id=ctx.render(self.flow_id) if self.flow_id is not None else None,
            states=ctx.render(self.states) if self.states is not None else (),
            start=moment(ctx, self.start_date),
            end=now_or(ctx, self.end_date),
        )
        options = PurgeOptions(
            executions=ctx.render(self.purge_execution),
            logs=ctx.render(self.purge_log),
            metrics=ctx.render(self.purge_metric),
            storage=ctx.render(self.purge_storage),
        )
        counts = dict(ctx.executions.purge(query, options))
        ctx.log.info(f"purged {counts.get('executionsCount', 0)} executions")
        return counts
