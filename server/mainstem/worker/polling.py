"""Where a polling trigger looks outside: the same room that a task gets, without an execution."""

from collections.abc import Sequence

from mainstem.model.execution import Execution, TaskRun
from mainstem.model.log import LogLine
from mainstem.model.state import History
from mainstem.sdk.context import RunContext
from mainstem.sdk.flow import Flow
from mainstem.sdk.task import RunnableTask
from mainstem.sdk.trigger import PollingTrigger
from mainstem.worker.context import AttemptContext
from mainstem.worker.job import Job
from mainstem.worker.services import WorkerServices


class _Poll(RunnableTask):
    """Stands for the task that a poll is not."""

    TYPE = "mainstem.internal.Poll"

    def run(self, ctx: RunContext) -> None:
        """Never called: the trigger itself is."""


class PollRoom:
    """One poll; files it stores belong to the execution that it may start."""

    def __init__(
        self, services: WorkerServices, flow: Flow, trigger: PollingTrigger, execution_id: str
    ) -> None:
        history = History.begin(services.clock.now())
        execution = Execution(execution_id, flow.flow_id, flow.revision or 1, history)
        task = _Poll(
            id=trigger.id,
            type=trigger.type,
            log_level=trigger.log_level or trigger.min_log_level,
            log_to_file=trigger.log_to_file,
        )
        run = TaskRun(execution_id, execution_id, trigger.id, history, 0)
        variables = {
            "flow": {"id": flow.id, "namespace": flow.namespace, "revision": flow.revision},
            "vars": flow.variables,
            "trigger": {"id": trigger.id, "type": trigger.type},
        }
        job = Job(flow, execution, task, run, 1, variables)
        self._trigger_id = trigger.id
        self._context = AttemptContext(job, services, lambda _progress: None)

    @property
    def ctx(self) -> RunContext:
        return self._context

    def close(self) -> Sequence[LogLine]:
        """Remove the working directory; returns the lines of the poll."""
        self._context.cleanup()
        return [
            LogLine(at=line.at, level=line.level, message=line.message, trigger_id=self._trigger_id)
            for line in self._context.take_lines()
        ]
