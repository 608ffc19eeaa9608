"""One act on many executions: at once, or behind the scenes with a row that tells how far it is."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from mainstem.bus.inprocess import OPERATIONS, Bus, operation_topic
from mainstem.clock import Clock
from mainstem.errors import Conflict, MainstemError, NotFound
from mainstem.ids import IdSource
from mainstem.model.operation import Action, Operation, OperationState, Refusal
from mainstem.model.principal import Permission
from mainstem.model.state import State
from mainstem.services import access
from mainstem.services.executions import ExecutionService
from mainstem.store import executions
from mainstem.store import operations as rows
from mainstem.store.database import Database

__all__ = ["Action", "Operation", "OperationService", "OperationState", "Refusal"]

_PART: Final = 50
_LISTED: Final = 50
_MOST_REFUSED: Final = 100
_SEEING: Final = Permission.EXECUTION_READ

Argument = Mapping[str, Any]
Act = Callable[[ExecutionService, str, Argument], object]


def _replay(service: ExecutionService, execution_id: str, argument: Argument) -> object:
    revision = service.latest_revision(execution_id) if argument.get("latest") else None
    return service.replay(execution_id, revision=revision)


def _delete(service: ExecutionService, execution_id: str, argument: Argument) -> None:
    service.delete(
        execution_id,
        keep_files=not argument.get("storage", True),
        keep_logs=not argument.get("logs", True),
        keep_metrics=not argument.get("metrics", True),
    )


_ACTS: Final[Mapping[Action, Act]] = {
    Action.KILL: lambda s, i, _: s.kill(i),
    Action.RESTART: lambda s, i, _: s.restart(i),
    Action.REPLAY: _replay,
    Action.PAUSE: lambda s, i, _: s.pause(i),
    Action.RESUME: lambda s, i, _: s.resume(i),
    Action.UNQUEUE: lambda s, i, a: s.unqueue(i, State(a.get("state", "RUNNING"))),
    Action.FORCE_RUN: lambda s, i, _: s.force_run(i),
    Action.CHANGE_STATUS: lambda s, i, a: s.change_state(i, State(a["state"])),
    Action.LABELS: lambda s, i, a: s.set_labels(i, a["labels"]),
    Action.DELETE: _delete,
}


# What may hold a task run that runs again; the reference says FAILED alone.
_AGAIN: Final = frozenset({State.FAILED, State.PAUSED, State.KILLED, State.CANCELLED})
# Which states an act refuses and how that is said, in the words of the reference.
_REFUSED: Final[Mapping[Action, tuple[Callable[[State], bool], str]]] = {
    Action.KILL: (lambda state: state.is_terminal, "execution already finished"),
    Action.RESTART: (lambda state: state not in _AGAIN, "execution not in state FAILED"),
    Action.PAUSE: (lambda state: not state.is_running, "execution not in state RUNNING"),
    Action.RESUME: (lambda state: not state.is_paused, "execution not in state PAUSED"),
    Action.UNQUEUE: (lambda state: state is not State.QUEUED, "execution not in state QUEUED"),
    Action.FORCE_RUN: (lambda state: state.is_terminal, "execution in a terminated state"),
    Action.CHANGE_STATUS: (
        lambda state: not state.is_terminal,
        "execution not in a terminated state",
    ),
    Action.LABELS: (lambda state: not state.is_terminal, "execution is not terminated"),
    Action.DELETE: (lambda state: not state.is_terminal, "execution is not terminated"),
}


class OperationService:
    """Acts on executions one after the other; those that refuse do not stop the others."""

    def __init__(
        self,
        database: Database,
        executions: ExecutionService,
        clock: Clock,
        ids: IdSource,
        bus: Bus,
    ) -> None:
        self._database = database
        self._executions = executions
        self._clock = clock
        self._ids = ids
        self._bus = bus

    def unfit(self, action: Action, ids: Sequence[str]) -> list[Refusal]:
        """Those that do not exist, or whose state forbids the act; nothing is changed."""
        forbids, message = _REFUSED.get(action, (lambda _: False, ""))
        with self._database.read() as tx:
            standing = executions.standing(tx, ids)
        refused = []
        for execution_id in ids:
            found = standing.get(execution_id)
            if found is None:
                refused.append(Refusal(execution_id, "execution not found"))
            # Of those that the caller may not touch nothing is told here.
            elif access.sees(_needed(action), found[1]) and forbids(found[0]):
                refused.append(Refusal(execution_id, message))
        return refused

    def act(self, action: Action, ids: Sequence[str], argument: Argument) -> list[Refusal]:
        """Act now; returns those that refused."""
        refused = []
        needed = _needed(action)
        for execution_id in ids:
            try:
                access.require(needed, self._executions.get(execution_id).flow.namespace)
                _ACTS[action](self._executions, execution_id, argument)
            except MainstemError as error:
                refused.append(Refusal(execution_id, error.message))
        return refused

    def begin(self, action: Action, ids: Sequence[str], argument: Argument) -> Operation:
        """Note what is to be done; it is done in parts by the operations component."""
        needed = _needed(action)
        allowed = [
            execution_id
            for execution_id in ids
            if access.sees(needed, self._executions.get(execution_id).flow.namespace)
        ]
        now = self._clock.now()
        state = OperationState.RUNNING if allowed else OperationState.DONE
        item = Operation(
            id=self._ids(),
            action=action,
            argument=dict(argument),
            state=state,
            total=len(allowed),
            created_at=now,
            ended_at=None if allowed else now,
            principal=access.principal().name,
        )
        with self._database.write() as tx:
            rows.add(tx, item, allowed)
        self._bus.publish(OPERATIONS)
        return item

    def get(self, operation_id: str) -> Operation:
        """Raises NotFound, also for those of others."""
        with self._database.read() as tx:
            return _visible(rows.get(tx, operation_id))

    def latest(self) -> list[Operation]:
        """Newest first: one's own, or all for who sees the executions of the whole server."""
        begun_by = None if access.sees(_SEEING, "") else access.principal().name
        with self._database.read() as tx:
            return rows.latest(tx, _LISTED, begun_by)

    def cancel(self, operation_id: str) -> Operation:
        """Do no more of it; raises Conflict when it has ended.

        Who began it may, and who could have begun it for every execution.
        """
        with self._database.write() as tx:
            item = _visible(rows.get(tx, operation_id))
            if item.principal != access.principal().name:
                access.require(_needed(item.action))
            if item.state is not OperationState.RUNNING:
                raise Conflict(f"operation {operation_id} is {item.state}: it has ended")
            rows.end(tx, operation_id, OperationState.CANCELLED, self._clock.now())
        self._bus.publish(OPERATIONS, operation_topic(operation_id))
        return self.get(operation_id)

    def step(self, now: datetime) -> bool:
        """Do a part of the oldest open operation; False when there is none.

        Who began it was allowed to; the parts act with the server's own authority.
        """
        with self._database.read() as tx:
            item = rows.oldest_open(tx)
            if item is None:
                return False
            ids = rows.items(tx, item.id, item.done, _PART)
        refused = self.act(item.action, ids, item.argument)
        kept = [*item.refused, *refused][:_MOST_REFUSED]
        with self._database.write() as tx:
            rows.progress(tx, item, len(ids), len(refused), kept)
            if item.done + len(ids) >= item.total:
                rows.end(tx, item.id, OperationState.DONE, now)
        self._bus.publish(operation_topic(item.id))
        return True


def _visible(item: Operation) -> Operation:
    if not access.sees(_SEEING, "") and item.principal != access.principal().name:
        raise NotFound(rows.missing(item.id))
    return item


def _needed(action: Action) -> Permission:
    is_delete = action is Action.DELETE
    return Permission.EXECUTION_DELETE if is_delete else Permission.EXECUTION_OPERATE
