"""Log lines that are already stored: fetching and purging them."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field

from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level
from mainstem.plugins.core.execution.dates import moment, now_or
from mainstem.plugins.core.log.log import LevelName
from mainstem.sdk.context import ExecutionQuery, LogQuery, RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.rowfiles import store_rows
from mainstem.sdk.task import Outputs, RunnableTask


class Fetch(RunnableTask):
    """Store the log lines of an execution as a file.

    Without `executionId` those of this execution; with it those of an execution of this flow,
    unless `namespace` and `flowId` name another one.
    """

    TYPE = "io.kestra.plugin.core.log.Fetch"
    ALIASES = ("io.kestra.core.tasks.log.Fetch",)
    OUTPUTS: ClassVar[Mapping[str, str]] = {
        "size": "The number of lines.",
        "uri": "The file: one Ion map a line.",
    }

    namespace: Property[Text] | None = None
    flow_id: Property[Text] | None = None
    execution_id: Property[Text] | None = None
    tasks_id: Property[list[Text]] | None = Field(
        default=None, description="Only lines of these tasks."
    )
    level: Property[LevelName] = Property("INFO", LevelName)

    def run(self, ctx: RunContext) -> Outputs:
        query = LogQuery(
            ctx.render(self.execution_id) if self.execution_id else ctx.execution_id,
            Level[ctx.render(self.level)],
            ctx.render(self.tasks_id) if self.tasks_id is not None else (),
            self._flow(ctx),
        )
        uri, size = store_rows(ctx, ctx.executions.logs(query), "logs.ion")
        return {"uri": uri, "size": size}

    def _flow(self, ctx: RunContext) -> FlowId:
        own = ctx.flow.id
        namespace = ctx.render(self.namespace) if self.namespace else own.namespace
        return FlowId(namespace, ctx.render(self.flow_id) if self.flow_id else own.id)


class PurgeLogs(RunnableTask):
    """Delete stored log lines; their executions stay."""

    TYPE = "io.kestra.plugin.core.log.PurgeLogs"
    OUTPUTS: ClassVar[Mapping[str, str]] = {"count": "The number of deleted lines."}

    namespace: Property[Text] | None = Field(
        default=None, description="With the namespaces below it; all without."
    )
    flow_id: Property[Text] | None = None
    log_levels: Property[list[LevelName]] | None = Field(
        default=None, description="Exactly these levels; all without."
    )
    start_date: Property[Text] | None = None
    end_date: Property[Text] = Field(description="Only lines from before this date-time.")

    def run(self, ctx: RunContext) -> Outputs:
        query = ExecutionQuery(
            namespace=ctx.render(self.namespace) if self.namespace is not None else None,
            flow_id=ctx.render(self.flow_id) if self.flow_id is not None else None,
            start=moment(ctx, self.start_date),
            end=now_or(ctx, self.end_date),
        )
        levels = ctx.render(self.log_levels) if self.log_levels is not None else []
        count = ctx.executions.purge_logs(query, [Level[name] for name in levels])
        ctx.log.info(f"deleted {count} log lines")
        return {"count": count}
