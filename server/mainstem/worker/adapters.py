"""The parts of RunContext that reach storage, the KV store and namespace files."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path, PurePath
from typing import BinaryIO, Self

from mainstem.ids import random_id
from mainstem.model.execution import Execution, TaskRun
from mainstem.sdk.context import KvEntry, KvPurge
from mainstem.services.execution_files import ExecutionFiles
from mainstem.services.files import FileService, FilesOfExecution, matches
from mainstem.services.kv import KvService
from mainstem.services.reach import Reach, Use
from mainstem.storage.base import Storage
from mainstem.storage.uri import make_uri, task_run_prefix


class StoredWriter:
    """Implements sdk FileWriter over a storage path."""

    def __init__(self, storage: Storage, path: str) -> None:
        self.uri = make_uri(path)
        self._opening = storage.writing(path)
        self._stack = ExitStack()
        self._file: BinaryIO | None = None

    def write(self, chunk: bytes, /) -> int:
        if self._file is None:
            raise ValueError("the file is not open: use `with`")
        return self._file.write(chunk)

    def __enter__(self) -> Self:
        self._file = self._stack.enter_context(self._opening)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.__exit__(*exc)  # type: ignore[arg-type]


class TaskFiles(ExecutionFiles):
    """Implements sdk FileStore for one task run."""

    def __init__(self, storage: Storage, execution: Execution, run: TaskRun) -> None:
        super().__init__(storage, execution)
        self._own = task_run_prefix(execution.flow, execution.id, run.task_id, run.id)

    def put(self, source: Path, name: str | None = None) -> str:
        path = self._new(name or source.name)
        self._storage.put(path, source)
        return make_uri(path)

    def put_bytes(self, content: bytes, name: str) -> str:
        path = self._new(name)
        self._storage.put_bytes(path, content)
        return make_uri(path)

    def writer(self, name: str) -> StoredWriter:
        return StoredWriter(self._storage, self._new(name))

    def purge_execution(self) -> list[str]:
        return self.purge()

    def _new(self, name: str) -> str:
        parts = [part for part in PurePath(name).parts if part not in ("/", "..")]
        path = f"{self._own}/{'/'.join(parts)}"
        if not self._storage.exists(path):
            return path
        return f"{self._own}/{random_id()}/{'/'.join(parts)}"


class TaskKv:
    """Implements sdk KvStore; the flow's namespace is the default."""

    def __init__(self, service: KvService, namespace: str, reach: Reach) -> None:
        self._service = service
        self._namespace = namespace
        self._reach = reach

    def get(self, key: str, namespace: str | None = None) -> KvEntry | None:
        found = self._service.find(self._place(namespace, Use.READ_KEY), key)
        return found.entry if found else None

    def set(
        self,
        entry: KvEntry,
        *,
        namespace: str | None = None,
        ttl: timedelta | None = None,
        overwrite: bool = True,
    ) -> None:
        place = self._place(namespace, Use.CHANGE_KEY)
        self._service.set(place, entry, ttl=ttl, overwrite=overwrite)

    def delete(self, key: str, namespace: str | None = None) -> bool:
        return self._service.delete(self._place(namespace, Use.CHANGE_KEY), key)

    def keys(self, namespace: str | None = None, prefix: str = "") -> list[str]:
        return self._service.keys(self._place(namespace, Use.READ_KEY), prefix)

    def purge(self, wanted: KvPurge) -> int:
        for named in wanted.namespaces:
            self._reach.check(self._namespace, named, Use.CHANGE_KEY)
        return self._service.purge(wanted, self._may_change)

    def _may_change(self, namespace: str) -> bool:
        return self._reach.allows(self._namespace, namespace, Use.CHANGE_KEY)

    def _place(self, namespace: str | None, use: Use) -> str:
        place = self._service.reach(namespace or self._namespace, self._namespace)
        self._reach.check(self._namespace, place, use)
        return place


class TaskNamespaceFiles:
    """Implements sdk NamespaceFiles; the flow's namespace is the default."""

    def __init__(self, service: FileService, execution: Execution, reach: Reach) -> None:
        self._service = FilesOfExecution(service, execution)
        self._namespace = execution.flow.namespace
        self._reach = reach

    def paths(
        self,
        namespace: str | None = None,
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> list[str]:
        found = self._service.of_namespace(self._place(namespace, Use.READ_FILE))
        return [file.path for file in found if matches(file.path, include, exclude)]

    def read(self, path: str, namespace: str | None = None) -> bytes:
        return self._service.read(self._place(namespace, Use.READ_FILE), path)

    def write(self, path: str, content: bytes, namespace: str | None = None) -> None:
        self._service.write(self._place(namespace, Use.CHANGE_FILE), path, content)

    def delete(self, path: str, namespace: str | None = None) -> bool:
        return self._service.delete(self._place(namespace, Use.CHANGE_FILE), path)

    def materialize(
        self,
        to: Path,
        namespace: str | None = None,
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> list[Path]:
        place = self._place(namespace, Use.READ_FILE)
        return self._service.materialize(place, to, include, exclude)

    def _place(self, namespace: str | None, use: Use) -> str:
        place = namespace or self._namespace
        self._reach.check(self._namespace, place, use)
        return place
