"""What a running task may use. Everything a plug-in does to the world goes through these."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeVar

from mainstem.errors import MainstemError
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level
from mainstem.model.metric import MetricKind
from mainstem.model.state import State
from mainstem.sdk.fields import Property
from mainstem.sdk.runner import Command, CommandResult, TaskRunner

if TYPE_CHECKING:
    from mainstem.sdk.task import Task

T = TypeVar("T")


class TaskFailed(MainstemError):
    """The task ends FAILED (or as `state` says), possibly with outputs."""

    def __init__(
        self,
        message: str,
        *,
        outputs: Mapping[str, object] | None = None,
        state: State = State.FAILED,
    ) -> None:
        super().__init__(message)
        self.outputs = outputs
        self.state = state


class TaskKilled(TaskFailed):
    """The work stopped because the execution was killed."""

    def __init__(self) -> None:
        super().__init__("the execution was killed", state=State.KILLED)


@dataclass(frozen=True, slots=True)
class FlowRef:
    """The flow of the running execution, pinned to its revision and commit."""

    id: FlowId
    revision: int
    commit: str | None = None


class TaskLog(Protocol):
    """Log lines of the attempt; secrets are masked by the sink."""

    def log(self, level: Level, message: str) -> None: ...
    def trace(self, message: str) -> None: ...
    def debug(self, message: str) -> None: ...
    def info(self, message: str) -> None: ...
    def warn(self, message: str) -> None: ...
    def error(self, message: str) -> None: ...


class FileStore(Protocol):
    """Internal storage as one execution sees it; URIs of other executions are refused."""

    def put(self, source: Path, name: str | None = None) -> str:
        """Store a file under this task run and return its URI."""

    def put_bytes(self, content: bytes, name: str) -> str: ...
    def writer(self, name: str) -> "FileWriter":
        """Open a new file for writing; its `uri` is valid after it was closed."""

    def open(self, uri: str) -> BinaryIO: ...
    def fetch(self, uri: str, to: Path) -> None:
        """Copy the content of a URI to a local path."""

    def size(self, uri: str) -> int: ...
    def exists(self, uri: str) -> bool: ...
    def delete(self, uri: str) -> bool: ...
    def purge_execution(self) -> list[str]:
        """Delete every file of this execution; returns their URIs."""

    def get_state(self, key: str, *, shared: bool = False) -> bytes | None:
        """A small file kept between executions: of this flow, or `shared` by its namespace."""

    def put_state(self, key: str, content: bytes, *, shared: bool = False) -> str: ...
    def delete_state(self, key: str, *, shared: bool = False) -> bool: ...


class FileWriter(Protocol):
    """A binary file that becomes a stored file when the `with` block ends well."""

    uri: str

    def write(self, chunk: bytes, /) -> int: ...
    def __enter__(self) -> "FileWriter": ...
    def __exit__(self, *exc: object) -> None: ...


@dataclass(frozen=True, slots=True)
class KvEntry:
    """A stored value with its kind (STRING, NUMBER, BOOLEAN, DATETIME, DATE, DURATION, JSON)."""

    key: str
    value: object
    kind: str
    expires_at: datetime | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class KvPurge:
    """Which entries to delete: patterns are globs; no namespace means all that may be changed."""

    namespaces: Sequence[str] = ()
    namespace_pattern: str = "*"
    children: bool = True
    key_pattern: str = "*"
    expired_only: bool = True

    def covers(self, namespace: str) -> bool:
        if not self.namespaces:
            return fnmatchcase(namespace, self.namespace_pattern)
        return any(
            namespace == named or (self.children and namespace.startswith(f"{named}."))
            for named in self.namespaces
        )


class KvStore(Protocol):
    """The key-value store; `namespace` None means the flow's own.

    Raises NotFound for a namespace that does not exist, unless the flow lies in it.
    """

    def get(self, key: str, namespace: str | None = None) -> KvEntry | None:
        """Raises Gone when the entry has expired."""

    def set(
        self,
        entry: KvEntry,
        *,
        namespace: str | None = None,
        ttl: timedelta | None = None,
        overwrite: bool = True,
    ) -> None:
        """Store an entry; `ttl` counts from now. Raises Conflict when it exists and must not."""

    def delete(self, key: str, namespace: str | None = None) -> bool: ...
    def keys(self, namespace: str | None = None, prefix: str = "") -> list[str]: ...
    def purge(self, wanted: KvPurge) -> int:
        """Delete what is wanted; gives how many entries. Raises Denied for a named namespace."""


class NamespaceFiles(Protocol):
    """The files of a namespace, as of the commit that the execution is pinned to."""

    def paths(
        self,
        namespace: str | None = None,
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> list[str]: ...
    def read(self, path: str, namespace: str | None = None) -> bytes: ...
    def write(self, path: str, content: bytes, namespace: str | None = None) -> None: ...
    def delete(self, path: str, namespace: str | None = None) -> bool: ...
    def materialize(
        self,
        to: Path,
        namespace: str | None = None,
        *,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> list[Path]:
        """Copy the matching files below `to`, keeping their relative paths."""


@dataclass(frozen=True, slots=True)
class ExecutionQuery:
    """Selects executions for the tasks that count, resume or purge them."""

    flows: Sequence[FlowId] = ()
    namespace: str | None = None
    flow_id: str | None = None
    states: Sequence[State] = ()
    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Selects lines of one execution; with a flow only if the execution is one of that flow."""

    execution_id: str
    level: Level = Level.TRACE
    task_ids: Sequence[str] = ()
    flow: FlowId | None = None


@dataclass(frozen=True, slots=True)
class PurgeOptions:
    executions: bool = True
    logs: bool = True
    metrics: bool = True
    storage: bool = True


class Executions(Protocol):
    """What a task may do to executions besides its own."""

    def resume(
        self, execution_id: str, inputs: Mapping[str, object], within: ExecutionQuery | None = None
    ) -> None:
        """Raises NotFound when the execution is not in the namespace and flow of `within`."""

    def kill(self, execution_id: str) -> None: ...
    def count(self, query: ExecutionQuery) -> dict[FlowId, int]: ...
    def purge(self, query: ExecutionQuery, options: PurgeOptions) -> Mapping[str, int]: ...
    def logs(self, query: LogQuery) -> Iterator[Mapping[str, object]]: ...
    def purge_logs(self, query: ExecutionQuery, levels: Sequence[Level]) -> int: ...
    def set_trigger_disabled(self, flow: FlowId, trigger_id: str, disabled: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class GcpEndpoints:
    """Where Google's APIs are; all None means Google itself."""

    storage: str | None = None
    bigquery: str | None = None
    secretmanager: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class PluginSettings:
    """The server's settings that plug-ins may read."""

    gcp: GcpEndpoints = GcpEndpoints()
    host_alias: str = "127.0.0.1"
    default_runner: str = "auto"
    docker_fallback: str | None = None
    docker_host: str | None = None
    docker_network: str | None = None
    dbt_warm: bool = True
    environments: Path | None = None
    cache: Path | None = None
    git_file_urls: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, object] = field(default_factory=dict)


class ChildRun(Protocol):
    """A dynamic task run under the current one, such as a dbt model."""

    def log(self, level: Level, message: str) -> None: ...
    def finish(self, state: State, outputs: Mapping[str, object] | None = None) -> None: ...


class RunContext(Protocol):
    """One attempt of one task, seen from inside the task."""

    @property
    def flow(self) -> FlowRef: ...
    @property
    def execution_id(self) -> str: ...
    @property
    def task_run_id(self) -> str: ...
    @property
    def task_id(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def log(self) -> TaskLog: ...
    @property
    def files(self) -> FileStore: ...
    @property
    def kv(self) -> KvStore: ...
    @property
    def namespace_files(self) -> NamespaceFiles: ...
    @property
    def executions(self) -> Executions: ...
    @property
    def settings(self) -> PluginSettings: ...
    @property
    def workdir(self) -> Path:
        """A folder of this attempt, removed afterwards (shared within a WorkingDirectory)."""

    @property
    def variables(self) -> Mapping[str, object]:
        """The root variables that expressions see."""

    def now(self) -> datetime: ...
    def render(self, prop: Property[T]) -> T:
        """Render a property and convert it to its type."""

    def render_text(self, text: str) -> str: ...
    def render_value(self, value: object, extra: Mapping[str, object] | None = None) -> object:
        """Render text, lists and maps recursively, with `extra` root variables if given."""

    def render_typed(self, text: str) -> object:
        """The native value of a lone `{{ expression }}`; any other text renders to text."""

    def secret(self, key: str, namespace: str | None = None) -> str: ...
    def encrypt(self, text: str) -> object:
        """The sealed form in which an output may hold a secret; expressions read it as text."""

    def mask(self, value: str) -> None:
        """Never show `value` in this attempt's logs."""

    def hides(self, text: str) -> bool:
        """Whether the text holds a value that must not be shown."""

    def metric(
        self,
        name: str,
        value: float,
        kind: MetricKind = MetricKind.COUNTER,
        /,
        **tags: str,
    ) -> None: ...
    def child(self, task_id: str) -> ChildRun:
        """Start a dynamic task run under this one; it shows at once."""

    def build_task(self, properties: Mapping[str, object]) -> "Task":
        """The task that the properties describe; raises InvalidInput with every fault."""

    def set_labels(self, labels: Mapping[str, str]) -> None: ...
    def set_variables(self, variables: Mapping[str, object], remove: Iterable[str] = ()) -> None:
        """Add and remove root variables of the execution.

        Names `vars.x` stand for `x` within `vars`, names `unset.x` hide the flow's own `vars.x`.
        """

    def end_execution(self, state: State) -> None:
        """Ask that the whole execution ends in `state` once this task has ended."""

    def run_command(self, runner: TaskRunner | None, command: Command) -> CommandResult:
        """Run a command with the given runner, else the server's default one."""

    def on_kill(self, stop: Callable[[], None]) -> None:
        """Call `stop` once, from another thread, when the attempt is killed or times out."""

    @property
    def is_killed(self) -> bool: ...
    def wait(self, seconds: float) -> bool:
        """Wait, returning True early when the attempt is killed."""
