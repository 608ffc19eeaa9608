"""What tasks may do to executions besides their own: implements sdk Executions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mainstem.errors import NotFound
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level
from mainstem.model.state import TERMINAL, State
from mainstem.sdk.context import ExecutionQuery, LogQuery, PurgeOptions
from mainstem.services.executions import ExecutionService
from mainstem.services.reach import Reach, Use
from mainstem.services.search import SearchService
from mainstem.services.triggers import TriggerService
from mainstem.storage.base import Storage
from mainstem.storage.uri import execution_prefix
from mainstem.store import executions as rows
from mainstem.store.database import Database
from mainstem.store.filters import ExecutionFilter
from mainstem.store.logs import LogFilter
from mainstem.store.tables import logs, metrics

_PART = 200


@dataclass(frozen=True, slots=True)
class OtherParts:
    """What it takes; one for the whole process."""

    database: Database
    executions: ExecutionService
    search: SearchService
    triggers: TriggerService
    storage: Storage
    reach: Reach


class OtherExecutions:
    """Acts for flows of one namespace, through the same services as users do."""

    def __init__(self, parts: OtherParts, own: str) -> None:
        self._database = parts.database
        self._executions = parts.executions
        self._search = parts.search
        self._triggers = parts.triggers
        self._storage = parts.storage
        self._reach = parts.reach
        self._own = own

    def resume(
        self, execution_id: str, inputs: Mapping[str, object], within: ExecutionQuery | None = None
    ) -> None:
        flow = self._executions.get(execution_id).flow
        if within is not None and (
            within.namespace not in (None, flow.namespace) or within.flow_id not in (None, flow.id)
        ):
            raise NotFound(f"execution {execution_id} is of flow {flow}, not of the one asked for")
        self._reach.check(self._own, flow.namespace, Use.CHANGE_EXECUTION)
        self._executions.resume(execution_id, inputs)

    def kill(self, execution_id: str) -> None:
        flow = self._executions.get(execution_id).flow
        self._reach.check(self._own, flow.namespace, Use.CHANGE_EXECUTION)
        self._executions.kill(execution_id)

    def count(self, query: ExecutionQuery) -> dict[FlowId, int]:
        """Counts of the asked flows; those without executions count 0."""
        for place in {flow.namespace for flow in query.flows}:
            self._reach.check(self._own, place, Use.READ_EXECUTION)
        if not query.flows:
            query = self._bounded(query, Use.READ_EXECUTION)
        found = self._search.count_by_flow(_filter(query))
        return {**dict.fromkeys(query.flows, 0), **found}

    def purge(self, query: ExecutionQuery, options: PurgeOptions) -> Mapping[str, int]:
        """Delete ended executions that match, in parts, so that no transaction grows long."""
        query = self._bounded(query, Use.PURGE)
        states = [state for state in (query.states or TERMINAL) if state in TERMINAL]
        wanted = replace(_filter(query), states=states, ended=True)
        totals = {"executionsCount": 0, "logsCount": 0, "storagesCount": 0, "metricsCount": 0}
        cursor: str | None = None
        while True:
            page = self._search.page(wanted, limit=_PART, after=cursor)
            ids = [execution.id for execution in page.executions]
            if options.storage:
                for execution in page.executions:
                    prefix = execution_prefix(execution.flow, execution.id)
                    totals["storagesCount"] += len(self._storage.delete_below(prefix))
            if options.executions and ids:
                keep = [
                    table
                    for table, wish in ((logs, options.logs), (metrics, options.metrics))
                    if not wish
                ]
                with self._database.write() as tx:
                    totals["executionsCount"] += rows.remove(tx, ids, keep=keep)
            cursor = page.next
            if cursor is None:
                return totals

    def logs(self, query: LogQuery) -> Iterator[Mapping[str, object]]:
        wanted = LogFilter(
            execution_id=query.execution_id,
            namespace=query.flow.namespace if query.flow else None,
            flow_id=query.flow.id if query.flow else None,
            level=query.level,
            task_ids=query.task_ids,
        )
        while True:
            lines = self._search.lines(wanted, limit=_PART)
            for item in lines:
                # What is asked for by name has namespaces below it, and lines know their own.
                if item.flow is not None:
                    self._reach.check(self._own, item.flow.namespace, Use.READ_EXECUTION)
                yield {
                    "timestamp": item.line.at.isoformat(),
                    "level": item.line.level.name,
                    "namespace": item.flow.namespace if item.flow else None,
                    "flowId": item.flow.id if item.flow else None,
                    "executionId": item.line.execution_id,
                    "taskId": item.line.task_id,
                    "taskRunId": item.line.task_run_id,
                    "attemptNumber": item.line.attempt,
                    "message": item.line.message,
                }
            if len(lines) < _PART:
                return
            wanted = replace(wanted, after=lines[-1].number)

    def purge_logs(self, query: ExecutionQuery, levels: Sequence[Level]) -> int:
        query = self._bounded(query, Use.PURGE)
        wanted = LogFilter(
            namespace=query.namespace,
            flow_id=query.flow_id,
            levels=levels,
            start=query.start,
            end=query.end,
        )
        return self._search.delete_lines(wanted)

    def set_trigger_disabled(self, flow: FlowId, trigger_id: str, disabled: bool) -> None:
        """Raises NotFound for an unknown trigger."""
        self._reach.check(self._own, flow.namespace, Use.SWITCH_TRIGGER)
        if not self._triggers.set_disabled(flow, trigger_id, disabled):
            raise NotFound(f"flow {flow} has no trigger {trigger_id}")

    def _bounded(self, query: ExecutionQuery, use: Use) -> ExecutionQuery:
        """The query, which without a namespace means every one that is in reach."""
        return replace(query, namespace=self._reach.bound(self._own, query.namespace, use))


def _filter(query: ExecutionQuery) -> ExecutionFilter:
    return ExecutionFilter(
        namespace=query.namespace,
        flow_id=query.flow_id,
        flows=tuple(query.flows),
        states=tuple(State(state) for state in query.states),
        start=query.start,
        end=query.end,
    )
