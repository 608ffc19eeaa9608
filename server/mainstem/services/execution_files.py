"""Internal storage as one execution may see it."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from mainstem.errors import Denied, NotFound
from mainstem.model.execution import Execution
from mainstem.storage.base import Storage
from mainstem.storage.uri import (
    execution_prefix,
    make_uri,
    parse_uri,
    shared_state_prefix,
    state_prefix,
)


class ExecutionFiles:
    """Reads files of this execution and of the one that started it; nothing else is visible."""

    def __init__(self, storage: Storage, execution: Execution) -> None:
        self._storage = storage
        self._execution = execution
        self.prefix = execution_prefix(execution.flow, execution.id)

    def path(self, uri: str) -> str:
        """The storage path of a readable URI; raises Denied for files of others."""
        path = parse_uri(uri)
        allowed = [self.prefix, *_related(self._execution)]
        if any(path.startswith(f"{prefix}/") for prefix in allowed):
            return path
        if f"/executions/{self._execution.id}/" in f"/{path}":
            return path
        own = self._execution.flow.namespace.replace(".", "/")
        if path.startswith(f"{own}/") and _is_ancestor_file(path, self._execution):
            return path
        raise Denied(
            f"Unable to read the file '{uri}' as it didn't belong to the current execution"
        )

    def open(self, uri: str) -> BinaryIO:
        return self._storage.open(self.path(uri))

    def fetch(self, uri: str, to: Path) -> None:
        self._storage.fetch(self.path(uri), to)

    def size(self, uri: str) -> int:
        return self._storage.size(self.path(uri))

    def exists(self, uri: str) -> bool:
        return self._storage.exists(self.path(uri))

    def delete(self, uri: str) -> bool:
        return self._storage.delete(self.path(uri))

    def purge(self) -> list[str]:
        """Delete all files of this execution; returns their URIs."""
        return [make_uri(path) for path in self._storage.delete_below(self.prefix)]

    def state_path(self, key: str, *, shared: bool = False) -> str:
        """Where an entry of the flow's state store lies, or of the one its namespace shares."""
        safe = PurePosixPath(key)
        if safe.is_absolute() or ".." in safe.parts:
            raise Denied(f"`{key}` is not a name of the state store")
        flow = self._execution.flow
        prefix = shared_state_prefix(flow.namespace) if shared else state_prefix(flow)
        return f"{prefix}/{safe}"

    def get_state(self, key: str, *, shared: bool = False) -> bytes | None:
        try:
            with self._storage.open(self.state_path(key, shared=shared)) as file:
                return file.read()
        except NotFound:
            return None

    def put_state(self, key: str, content: bytes, *, shared: bool = False) -> str:
        path = self.state_path(key, shared=shared)
        self._storage.put_bytes(path, content)
        return make_uri(path)

    def delete_state(self, key: str, *, shared: bool = False) -> bool:
        return self._storage.delete(self.state_path(key, shared=shared))


def _related(execution: Execution) -> list[str]:
    """Prefixes of the execution named by the trigger, if there is one."""
    variables: Mapping[str, object] = execution.trigger.variables if execution.trigger else {}
    namespace, flow_id = variables.get("namespace"), variables.get("flowId")
    other = variables.get("executionId")
    if not (isinstance(namespace, str) and isinstance(flow_id, str) and isinstance(other, str)):
        return []
    return [f"{namespace.replace('.', '/')}/{flow_id}/executions/{other}"]


def _is_ancestor_file(path: str, execution: Execution) -> bool:
    """Whether the file is of the execution that this one replays."""
    sources = {execution.parent_id, execution.original_id} - {None}
    return any(f"/executions/{source}/" in path for source in sources)
