"""Results of tasks that may be taken again."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from mainstem.model.flow_id import FlowId
from mainstem.store.executions import insert_or_replace
from mainstem.store.tables_language import task_cache


@dataclass(frozen=True, slots=True)
class CachedResult:
    """What a task gave when it ran with these properties."""

    key: str
    flow: FlowId
    task_id: str
    execution_id: str
    outputs: dict[str, object] | None
    created_at: datetime
    expires_at: datetime | None = None


def get(tx: Connection, key: str) -> CachedResult | None:
    row = tx.execute(select(task_cache).where(task_cache.c.key == key)).mappings().first()
    if row is None:
        return None
    return CachedResult(
        key=row["key"],
        flow=FlowId(row["namespace"], row["flow_id"]),
        task_id=row["task_id"],
        execution_id=row["execution_id"],
        outputs=row["outputs"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
    )


def put(tx: Connection, result: CachedResult) -> None:
    """Insert or replace."""
    row = {
        "key": result.key,
        "namespace": result.flow.namespace,
        "flow_id": result.flow.id,
        "task_id": result.task_id,
        "execution_id": result.execution_id,
        "outputs": result.outputs,
        "created_at": result.created_at,
        "expires_at": result.expires_at,
    }
    insert_or_replace(tx, task_cache, [row])


def keys_of(tx: Connection, flow: FlowId, task_id: str | None = None) -> list[str]:
    query = select(task_cache.c.key).where(
        task_cache.c.namespace == flow.namespace, task_cache.c.flow_id == flow.id
    )
    if task_id is not None:
        query = query.where(task_cache.c.task_id == task_id)
    return list(tx.execute(query).scalars())


def expired(tx: Connection, now: datetime, limit: int) -> list[CachedResult]:
    """Some results whose time is over."""
    query = select(task_cache.c.key).where(task_cache.c.expires_at <= now).limit(limit)
    keys: list[str] = list(tx.execute(query).scalars())
    return [found for key in keys if (found := get(tx, key)) is not None]


def remove(tx: Connection, keys: list[str]) -> int:
    if not keys:
        return 0
    return tx.execute(delete(task_cache).where(task_cache.c.key.in_(keys))).rowcount
