"""How many executions of each flow hold a place of its concurrency limit."""

from collections.abc import Iterable

from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State

_HOLDING = frozenset({State.RUNNING, State.PAUSED})


class Capacity:
    """Counts by flow, kept current by `note`; `admitted` holds a place before the first move."""

    def __init__(self) -> None:
        self._holders: dict[FlowId, set[str]] = {}

    def note(self, execution: Execution) -> bool:
        """Take over the state of an execution; True when it gave its place free."""
        holders = self._holders.get(execution.flow)
        if execution.state in _HOLDING:
            if holders is None:
                holders = self._holders[execution.flow] = set()
            holders.add(execution.id)
            return False
        if holders is None or execution.id not in holders:
            return False
        holders.discard(execution.id)
        if not holders:
            del self._holders[execution.flow]
        return True

    def holding(self, flow: FlowId) -> int:
        return len(self._holders.get(flow, ()))

    def load(self, executions: Iterable[Execution]) -> None:
        for execution in executions:
            self.note(execution)
