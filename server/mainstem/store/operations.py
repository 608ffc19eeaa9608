"""Operations on many executions."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from mainstem.errors import NotFound
from mainstem.model.operation import Action, Operation, OperationState, Refusal
from mainstem.store.tables_operations import operation_items, operations

_CHUNK: Final = 1_000
_KEPT: Final = 200


def add(tx: Connection, item: Operation, ids: Sequence[str]) -> None:
    """A new operation; the oldest ended ones are forgotten."""
    tx.execute(insert(operations).values(_row(item)))
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        tx.execute(
            insert(operation_items),
            [
                {"operation_id": item.id, "position": start + n, "execution_id": execution_id}
                for n, execution_id in enumerate(part)
            ],
        )
    _forget(tx)


def _forget(tx: Connection) -> None:
    o = operations.c
    old = select(o.id).where(o.state != OperationState.RUNNING.value)
    ids: list[str] = list(tx.execute(old.order_by(o.created_at.desc()).offset(_KEPT)).scalars())
    if ids:
        tx.execute(delete(operations).where(o.id.in_(ids)))
        tx.execute(delete(operation_items).where(operation_items.c.operation_id.in_(ids)))


def get(tx: Connection, operation_id: str) -> Operation:
    """Raises NotFound."""
    query = select(operations).where(operations.c.id == operation_id)
    row = tx.execute(query).mappings().first()
    if row is None:
        raise NotFound(missing(operation_id))
    return _from(row)


def missing(operation_id: str) -> str:
    """What is said of one that is not there."""
    return f"there is no operation {operation_id}"


def latest(tx: Connection, limit: int, begun_by: str | None = None) -> list[Operation]:
    """Newest first, of everybody or of one."""
    query = select(operations).order_by(operations.c.created_at.desc()).limit(limit)
    if begun_by is not None:
        query = query.where(operations.c.principal == begun_by)
    return [_from(row) for row in tx.execute(query).mappings()]


def oldest_open(tx: Connection) -> Operation | None:
    o = operations.c
    query = select(operations).where(o.state == OperationState.RUNNING.value)
    row = tx.execute(query.order_by(o.created_at, o.id).limit(1)).mappings().first()
    return _from(row) if row is not None else None


def items(tx: Connection, operation_id: str, start: int, limit: int) -> list[str]:
    """Ids of executions from a position on."""
    i = operation_items.c
    query = (
        select(i.execution_id)
        .where(i.operation_id == operation_id, i.position >= start)
        .order_by(i.position)
        .limit(limit)
    )
    return list(tx.execute(query).scalars())


def progress(
    tx: Connection, item: Operation, done: int, failed: int, refused: Sequence[Refusal]
) -> None:
    """Count a part that was done."""
    tx.execute(
        update(operations)
        .where(operations.c.id == item.id)
        .values(
            done=item.done + done,
            failed=item.failed + failed,
            refused=[[r.id, r.message] for r in refused],
        )
    )


def end(tx: Connection, operation_id: str, state: OperationState, at: datetime) -> None:
    """End it, unless it has ended; what is left of its list goes."""
    running = operations.c.state == OperationState.RUNNING.value
    tx.execute(
        update(operations)
        .where(operations.c.id == operation_id, running)
        .values(state=state.value, ended_at=at)
    )
    tx.execute(delete(operation_items).where(operation_items.c.operation_id == operation_id))


def _row(item: Operation) -> dict[str, Any]:
    return {
        "id": item.id,
        "action": item.action.value,
        "argument": dict(item.argument),
        "state": item.state.value,
        "total": item.total,
        "done": item.done,
        "failed": item.failed,
        "refused": [[r.id, r.message] for r in item.refused],
        "principal": item.principal[:200],
        "created_at": item.created_at,
        "ended_at": item.ended_at,
    }


def _from(row: RowMapping) -> Operation:
    return Operation(
        id=row["id"],
        action=Action(row["action"]),
        argument=row["argument"],
        state=OperationState(row["state"]),
        total=row["total"],
        created_at=row["created_at"],
        done=row["done"],
        failed=row["failed"],
        ended_at=row["ended_at"],
        principal=row["principal"],
        refused=tuple(Refusal(str(r[0]), str(r[1])) for r in row["refused"]),
    )
