"""WorkingDirectory: tasks that share one folder on one worker."""

from collections.abc import Iterator
from typing import ClassVar

from mainstem.sdk.fields import Duration
from mainstem.sdk.flowable import ExecutableTask, FlowableTask, FlowContext, Lane, Lanes
from mainstem.sdk.plugin import Fault, Properties
from mainstem.sdk.task import AnyTask, Task


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


class WorkingDirectory(FlowableTask):
    """Run tasks one after another on one worker, in one folder."""

    TYPE: ClassVar[str] = "io.kestra.plugin.core.flow.WorkingDirectory"
    ALIASES: ClassVar[tuple[str, ...]] = (
        "io.kestra.core.tasks.flows.WorkingDirectory",
        "io.kestra.core.tasks.flows.Worker",
    )
    ON_WORKER: ClassVar[bool] = True
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
