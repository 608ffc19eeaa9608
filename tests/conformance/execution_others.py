"""What tasks of corpus lines may do to executions besides their own."""

from collections.abc import Iterator, Mapping

from mainstem.engine.decision import ResumeRequested
from mainstem.errors import Conflict
from mainstem.sdk.context import ExecutionQuery, LogQuery
from tests.engine.harness import World


class WorldExecutions:
    """The part of sdk Executions that the corpus needs, in a world of virtual time."""

    def __init__(self, world: World) -> None:
        self._world = world

    def resume(
        self, execution_id: str, inputs: Mapping[str, object], within: ExecutionQuery | None = None
    ) -> None:
        if not self._world.execution(execution_id).state.is_paused:
            raise Conflict("Execution is not paused")
        self._world.tell(execution_id, ResumeRequested(inputs))

    def logs(self, query: LogQuery) -> Iterator[Mapping[str, object]]:
        for line in self._world.lines_of(query.execution_id):
            wanted = not query.task_ids or line.task_id in query.task_ids
            if wanted and line.level >= query.level:
                yield {"level": line.level.name, "taskId": line.task_id, "message": line.message}
