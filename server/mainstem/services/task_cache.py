"""Results of tasks with `taskCache`: kept with copies of their files, taken by later runs."""

import hashlib
import hmac
import json
import shutil
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import PurePosixPath

from mainstem.clock import Clock
from mainstem.errors import NotFound
from mainstem.model.flow_id import FlowId
from mainstem.model.principal import Permission
from mainstem.services import access, audit
from mainstem.storage.base import Storage
from mainstem.storage.uri import is_internal, make_uri, parse_uri
from mainstem.store import task_cache as rows
from mainstem.store.database import Database
from mainstem.store.task_cache import CachedResult

__all__ = ["CachedResult", "TaskCacheService"]

_SWEPT = 20


class TaskCacheService:
    """Finds and keeps results; a result outlives the execution that made it."""

    def __init__(
        self, database: Database, storage: Storage, clock: Clock, secret: Callable[[], bytes]
    ) -> None:
        self._database = database
        self._storage = storage
        self._clock = clock
        self._secret = secret

    def key(self, flow: FlowId, task_id: str, properties: object) -> str:
        """What a run with these rendered properties is known by.

        They may hold secrets, which a plain hash would let others guess.
        """
        text = json.dumps([flow.namespace, flow.id, task_id, properties], sort_keys=True)
        return hmac.new(self._secret(), text.encode(), hashlib.sha256).hexdigest()

    def find(self, key: str, ttl: timedelta | None) -> CachedResult | None:
        """The kept result, unless it is older than `ttl` or one of its files is gone."""
        with self._database.read() as tx:
            found = rows.get(tx, key)
        now = self._clock.now()
        if found is None or (found.expires_at is not None and found.expires_at <= now):
            return None
        if ttl is not None and found.created_at + ttl <= now:
            return None
        kept = all(self._storage.exists(parse_uri(uri)) for uri in _uris(found.outputs))
        return found if kept else None

    def keep(
        self, result: CachedResult, execution_prefix: str, ttl: timedelta | None
    ) -> CachedResult:
        """Keep a result, with copies of the files that the execution made for it."""
        folder = _folder(result.flow, result.key)
        self._storage.delete_below(folder)
        outputs = self._moved(
            result.outputs, folder, lambda path: path.startswith(f"{execution_prefix}/")
        )
        assert outputs is None or isinstance(outputs, dict)
        now = self._clock.now()
        kept = CachedResult(
            result.key,
            result.flow,
            result.task_id,
            result.execution_id,
            outputs,
            now,
            now + ttl if ttl is not None else None,
        )
        with self._database.write() as tx:
            over = [item for item in rows.expired(tx, now, _SWEPT) if item.key != result.key]
            rows.remove(tx, [item.key for item in over])
            rows.put(tx, kept)
        for item in over:
            self._storage.delete_below(_folder(item.flow, item.key))
        return kept

    def outputs_for(self, found: CachedResult, task_run_prefix: str) -> dict[str, object] | None:
        """The outputs with their files as those of the task run that takes them."""
        folder = _folder(found.flow, found.key)
        outputs = self._moved(
            found.outputs, task_run_prefix, lambda path: path.startswith(f"{folder}/")
        )
        assert outputs is None or isinstance(outputs, dict)
        return outputs

    def clear(self, flow: FlowId, task_id: str | None = None) -> int:
        """Forget the results of a flow, or of one of its tasks; gives how many."""
        access.require(Permission.FLOW_WRITE, flow.namespace)
        with self._database.write() as tx:
            keys = rows.keys_of(tx, flow, task_id)
            rows.remove(tx, keys)
            audit.record(tx, "task-cache.clear", str(flow), namespace=flow.namespace)
        for key in keys:
            self._storage.delete_below(_folder(flow, key))
        return len(keys)

    def _moved(self, value: object, folder: str, ours: Callable[[str], bool]) -> object:
        """The value with copies of our files below the folder in the place of their URIs."""
        if isinstance(value, Mapping):
            return {key: self._moved(item, folder, ours) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._moved(item, folder, ours) for item in value]
        if not isinstance(value, str) or not is_internal(value):
            return value
        path = parse_uri(value)
        if not ours(path):
            return value
        name = hashlib.sha256(path.encode()).hexdigest()[:16]
        target = f"{folder}/{name}/{PurePosixPath(path).name}"
        try:
            with self._storage.open(path) as source, self._storage.writing(target) as copy:
                shutil.copyfileobj(source, copy)
        except NotFound:
            return value
        return make_uri(target)


def _folder(flow: FlowId, key: str) -> str:
    return f"{flow.namespace.replace('.', '/')}/{flow.id}/_cache/{key}"


def _uris(value: object) -> list[str]:
    if isinstance(value, Mapping):
        return [uri for item in value.values() for uri in _uris(item)]
    if isinstance(value, (list, tuple)):
        return [uri for item in value for uri in _uris(item)]
    return [value] if isinstance(value, str) and is_internal(value) else []
