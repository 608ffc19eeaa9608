"""What expressions of one execution may ask for."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from mainstem.clock import Clock
from mainstem.errors import Denied, Gone, InvalidInput, NotFound
from mainstem.expr import ENCRYPTED_TYPE, Keys, unseal
from mainstem.model.execution import Execution
from mainstem.model.log import Level
from mainstem.secrets.base import SecretChain
from mainstem.secrets.mask import Masker
from mainstem.services.access import as_server
from mainstem.services.execution_files import ExecutionFiles
from mainstem.services.files import FileService, FilesOfExecution
from mainstem.services.kv import KvService
from mainstem.services.reach import Reach, Use
from mainstem.services.secrets import SecretReads
from mainstem.storage.base import Storage
from mainstem.storage.uri import is_internal, make_uri
from mainstem.store import logs
from mainstem.store.database import Database
from mainstem.store.logs import LogFilter

_MOST_READ = 50_000_000


@dataclass(frozen=True, slots=True)
class HostServices:
    """What hosts are made of; one for the whole process."""

    database: Database
    storage: Storage
    kv: KvService
    secrets: SecretChain
    files: FileService
    clock: Clock
    encryption_key: Callable[[], Keys]
    base_url: str
    http: Callable[[Mapping[str, object]], object]
    reach: Reach
    reads: SecretReads | None = None


class ExecutionHost:
    """Implements expr.Host for one execution; secrets handed out are added to `masker`.

    `in_transaction` says that the caller may hold one open, so that nothing is written here.
    Keys, secrets and namespace files are those of `reader`, where a flow looks at the execution of
    another one.
    """

    def __init__(
        self,
        services: HostServices,
        execution: Execution,
        masker: Masker,
        with_state: Callable[[str], list[dict[str, object]]] | None = None,
        *,
        in_transaction: bool = True,
        reader: Execution | None = None,
    ) -> None:
        self._services = services
        self._execution = execution
        self._reader = reader or execution
        self._masker = masker
        self._with_state = with_state
        self._in_transaction = in_transaction

    @cached_property
    def _files(self) -> ExecutionFiles:
        return ExecutionFiles(self._services.storage, self._execution)

    @cached_property
    def _shared(self) -> FilesOfExecution:
        return FilesOfExecution(self._services.files, self._reader)

    @as_server
    def kv(self, key: str, namespace: str | None, error_on_missing: bool) -> object:
        own = self._reader.flow.namespace
        place = self._services.kv.reach(namespace or own, own)
        self._services.reach.check(own, place, Use.READ_KEY)
        try:
            found = self._services.kv.find(place, key)
        except Gone:
            if error_on_missing:
                raise
            found = None
        if found is None:
            if error_on_missing:
                raise NotFound(f"The key '{key}' does not exist in the namespace '{place}'.")
            return None
        return found.entry.value

    @as_server
    def secret(self, key: str, namespace: str | None, subkey: str | None) -> str:
        own = self._reader.flow.namespace
        place = namespace or own
        self._services.reach.check(own, place, Use.READ_SECRET)
        found = self._services.secrets.locate(place, key)
        self._masker.add(found.value)
        reads = self._services.reads
        if reads is not None:
            reads.note(self._reader, found.namespace, key, later=self._in_transaction)
        if not subkey:
            return found.value
        part = _part_of(found.value, key, subkey)
        self._masker.add(part)
        return part

    @as_server
    def read(self, path: str) -> str:
        if is_internal(path):
            _check_size(path, self._files.size(path))
            with self._files.open(path) as file:
                return _text(path, file.read(_MOST_READ))
        if "://" in path:
            raise Denied(f"`{path}` cannot be read: only files of the execution or namespace can")
        namespace = self._reader.flow.namespace
        _check_size(path, self._shared.stat(namespace, path).size)
        return _text(path, self._shared.read(namespace, path))

    @as_server
    def file_size(self, path: str) -> int:
        if is_internal(path):
            return self._files.size(path)
        return self._shared.stat(self._reader.flow.namespace, path).size

    @as_server
    def file_uri(self, path: str) -> str:
        namespace = self._reader.flow.namespace
        self._shared.stat(namespace, path)
        return make_uri(f"{namespace.replace('.', '/')}/_files/{path.lstrip('/')}")

    def file_exists(self, path: str) -> bool:
        try:
            self.file_size(path)
        except NotFound:
            return False
        return True

    @as_server
    def error_logs(self) -> list[dict[str, object]]:
        wanted = LogFilter(execution_id=self._execution.id, level=Level.ERROR)
        with self._services.database.read() as tx:
            found = logs.lines(tx, wanted, limit=100)
        return [
            {
                "taskId": item.line.task_id,
                "taskRunId": item.line.task_run_id,
                "level": item.line.level.name,
                "message": item.line.message,
                "timestamp": item.line.at.isoformat(),
            }
            for item in found
        ]

    def http(self, options: Mapping[str, object]) -> object:
        return self._services.http(options)

    def app_link(self, options: Mapping[str, object]) -> str:
        flow = self._execution.flow
        return (
            f"{self._services.base_url}/ui/executions/{flow.namespace}/{flow.id}/"
            f"{self._execution.id}"
        )

    def tasks_with_state(self, state: str) -> list[dict[str, object]]:
        return self._with_state(state) if self._with_state else []

    def now(self) -> datetime:
        return self._services.clock.now()

    def encryption_key(self) -> Keys | None:
        return self._services.encryption_key()


def _check_size(path: str, size: int) -> None:
    if size > _MOST_READ:
        raise InvalidInput(
            f"`{path}` has {size} bytes, and expressions read files of {_MOST_READ} at most: give "
            "its URI to a task instead"
        )


def _text(path: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"`{path}` is not UTF-8 text (byte {error.start})") from error


def _part_of(secret: str, key: str, subkey: str) -> str:
    """One entry of a secret that holds a JSON map; errors never show the secret."""
    try:
        found = json.loads(secret)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidInput(
            f"Failed to read secret sub-key '{subkey}' from secret '{key}'. Ensure the secret "
            "contains valid JSON value."
        )
    if subkey not in found:
        raise NotFound(f"Cannot find secret sub-key '{subkey}' in secret '{key}'.")
    part = found[subkey]
    return part if isinstance(part, str) else json.dumps(part)


def secret_inputs(services: HostServices, execution: Execution) -> Iterator[str]:
    """The plain values of SECRET inputs, so that no line of the execution shows them."""
    for value in execution.inputs.values():
        if isinstance(value, Mapping) and value.get("type") == ENCRYPTED_TYPE:
            yield unseal(services.encryption_key(), str(value.get("value")))
