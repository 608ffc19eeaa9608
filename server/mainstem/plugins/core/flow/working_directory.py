"""WorkingDirectory: tasks that share one folder on one worker."""

from collections.abc import Iterator
from typing import ClassVar

from mainstem.plugins.core.flow.folder_cache import keep_cached, restore_cached
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Duration
from mainstem.sdk.flowable import (
    ExecutableTask,
    FlowableTask,
    FlowContext,
    Lane,
    Lanes,
    WorkspaceTask,
)
from mainstem.sdk.plugin import Fault, Properties
from mainstem.sdk.task import AnyTask, Outputs, Task
from mainstem.sdk.workfiles import collect_outputs, place_input_files


class Cache(Properties):
    """Files kept between executions until they are older than `ttl`."""

    patterns: tuple[str, ...]
    ttl: Duration | None = None


class NamespaceFilesOption(Properties):
    """Which namespace files are put into the folder."""

    enabled: bool = True
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()


class WorkingDirectory(WorkspaceTask):
    """Run tasks one after another on one worker, in one folder."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.flow.WorkingDirectory"
    ALIASES: ClassVar[tuple[str, ...]] = (
        "io.kestra.core.tasks.flows.WorkingDirectory",
        "io.kestra.core.tasks.flows.Worker",
    )
    LENDS_VALUE: ClassVar[bool] = True

    tasks: tuple[AnyTask, ...] = ()
    cache: Cache | None = None
    namespace_files: NamespaceFilesOption | None = None
    input_files: dict[str, object] | str | None = None
    output_files: tuple[str, ...] = ()

    def faults(self) -> Iterator[Fault]:
        if not self.tasks:
            yield Fault("The 'tasks' property cannot be empty", "tasks", "missing-tasks")
        if any(isinstance(task, (FlowableTask, ExecutableTask)) for task in self.tasks):
            message = "Only runnable tasks are allowed as children of a WorkingDirectory task"
            yield Fault(message, "tasks", "not-runnable")
        if any(task.worker_group is not None for task in self.tasks):
            message = "Cannot set a Worker Group in any WorkingDirectory sub-tasks, "
            message += "it is only supported at the WorkingDirectory level"
            yield Fault(message, "tasks", "worker-group")

    def main_tasks(self) -> Iterator[Task]:
        return iter(self.tasks)

    def lanes(self, ctx: FlowContext) -> Lanes:
        return Lanes([Lane(self.tasks)], 1)

    def fill(self, ctx: RunContext) -> None:
        option = self.namespace_files
        if option is not None and option.enabled:
            for namespace in option.namespaces or (ctx.flow.id.namespace,):
                ctx.namespace_files.materialize(
                    ctx.workdir,
                    ctx.render_text(namespace),
                    include=option.include,
                    exclude=option.exclude,
                )
        place_input_files(ctx, self.input_files)
        if self.cache is not None:
            restore_cached(ctx, self.cache.ttl)

    def collect(self, ctx: RunContext) -> Outputs | None:
        if self.cache is not None:
            keep_cached(ctx, self.cache.patterns)
        if not self.output_files:
            return None
        patterns = [ctx.render_text(pattern) for pattern in self.output_files]
        return {"outputFiles": collect_outputs(ctx, patterns)}
