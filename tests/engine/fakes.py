"""RunContext and Host in memory, with virtual time: waiting costs nothing but moves the clock."""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from mainstem.engine.decision import DynamicRun, Submit
from mainstem.engine.live import LiveExecution
from mainstem.errors import Denied, InvalidInput, NotFound
from mainstem.expr import Scope, render, render_typed, render_value
from mainstem.model.execution import Execution
from mainstem.model.log import Level, LogLine
from mainstem.model.state import State
from mainstem.sdk.context import FlowRef, KvEntry, PluginSettings
from mainstem.sdk.fields import Property
from mainstem.storage.uri import state_prefix, task_run_prefix

if TYPE_CHECKING:
    from tests.engine.harness import World


class MemoryHost:
    """Implements expr.Host on the maps of a World."""

    def __init__(self, world: "World", execution: Execution) -> None:
        self.world = world
        self.execution = execution
        self.masked: list[str] = []

    def kv(self, key: str, namespace: str | None, error_on_missing: bool) -> object:
        place = namespace or self.execution.flow.namespace
        found = self.world.kv.get((place, key))
        if found is None and error_on_missing:
            raise NotFound(f"The key '{key}' does not exist in the namespace '{place}'.")
        return found.value if found else None

    def secret(self, key: str, namespace: str | None, subkey: str | None) -> str:
        value = self.world.secrets.get(key.upper())
        if value is None:
            raise NotFound(f"Cannot find secret for key '{key}'.")
        self.masked.append(value)
        return value

    def read(self, path: str) -> str:
        if "://" not in path:
            place = (self.execution.flow.namespace, path.lstrip("/"))
            return self.world.namespace_files[place].decode()
        return self.world.files[path].decode()

    def file_size(self, path: str) -> int:
        return len(self.world.files[path])

    def file_uri(self, path: str) -> str:
        return f"kestra:///{self.execution.flow.namespace}/_files/{path}"

    def file_exists(self, path: str) -> bool:
        return path in self.world.files

    def error_logs(self) -> list[dict[str, object]]:
        return [
            {"taskId": line.task_id, "message": line.message, "level": line.level.name}
            for line in self.world.lines_of(self.execution.id)
            if line.level is Level.ERROR
        ]

    def http(self, options: Mapping[str, object]) -> object:
        raise Denied("no network in tests")

    def app_link(self, options: Mapping[str, object]) -> str:
        return "http://localhost"

    def tasks_with_state(self, state: str) -> list[dict[str, object]]:
        runs = self.world.live(self.execution.id).task_runs
        return [{"taskId": run.task_id} for run in runs if run.state.value == state]

    def now(self) -> datetime:
        return self.world.now

    def encryption_key(self) -> bytes | None:
        return self.world.encryption_key


@dataclass
class TaskLogs:
    """Lines of one attempt; secrets that its host handed out are masked."""

    context: "MemoryContext"

    def log(self, level: Level, message: str) -> None:
        context = self.context
        threshold = context.submit.task.threshold()
        if threshold is not None and level < threshold:
            return
        for secret in context.host.masked:
            message = message.replace(secret, "*" * len(secret))
        for start in range(0, max(len(message), 1), 10_000):
            context.world.logs.append(
                LogLine(
                    context.now() + timedelta(milliseconds=start // 10_000),
                    level,
                    message[start : start + 10_000],
                    context.execution_id,
                    context.task_run_id,
                    context.task_id,
                    context.attempt,
                )
            )

    def trace(self, message: str) -> None:
        self.log(Level.TRACE, message)

    def debug(self, message: str) -> None:
        self.log(Level.DEBUG, message)

    def info(self, message: str) -> None:
        self.log(Level.INFO, message)

    def warn(self, message: str) -> None:
        self.log(Level.WARN, message)

    def error(self, message: str) -> None:
        self.log(Level.ERROR, message)


class _Writer:
    def __init__(self, files: "MemoryFiles", name: str) -> None:
        self.uri = files.uri_of(name)
        self._files = files
        self._parts: list[bytes] = []

    def write(self, chunk: bytes, /) -> int:
        self._parts.append(chunk)
        return len(chunk)

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, *exc: object) -> None:
        self._files.world.files[self.uri] = b"".join(self._parts)


class MemoryFiles:
    """Internal storage as a map."""

    def __init__(self, context: "MemoryContext") -> None:
        self.world = context.world
        self._context = context

    def uri_of(self, name: str) -> str:
        run = self._context.submit.task_run
        flow = self._context.execution.flow
        prefix = task_run_prefix(flow, run.execution_id, run.task_id, run.id)
        return f"kestra:///{prefix}/{name}"

    def put(self, source: Path, name: str | None = None) -> str:
        return self.put_bytes(source.read_bytes(), name or source.name)

    def put_bytes(self, content: bytes, name: str) -> str:
        self.world.files[self.uri_of(name)] = content
        return self.uri_of(name)

    def writer(self, name: str) -> _Writer:
        return _Writer(self, name)

    def open(self, uri: str) -> BinaryIO:
        import io

        if uri not in self.world.files:
            raise NotFound(f"{uri} does not exist")
        return io.BytesIO(self.world.files[uri])

    def fetch(self, uri: str, to: Path) -> None:
        to.write_bytes(self.world.files[uri])

    def size(self, uri: str) -> int:
        return len(self.world.files[uri])

    def exists(self, uri: str) -> bool:
        return uri in self.world.files

    def delete(self, uri: str) -> bool:
        return self.world.files.pop(uri, None) is not None

    def purge_execution(self) -> list[str]:
        own = [uri for uri in self.world.files if self._context.execution_id in uri]
        return [uri for uri in own if self.delete(uri)]

    def _state(self, key: str) -> str:
        return f"kestra:///{state_prefix(self._context.execution.flow)}/{key}"

    def get_state(self, key: str, *, shared: bool = False) -> bytes | None:
        return self.world.files.get(self._state(key))

    def put_state(self, key: str, content: bytes, *, shared: bool = False) -> str:
        self.world.files[self._state(key)] = content
        return self._state(key)

    def delete_state(self, key: str, *, shared: bool = False) -> bool:
        return self.world.files.pop(self._state(key), None) is not None


class MemoryKv:
    def __init__(self, context: "MemoryContext") -> None:
        self._store = context.world.kv
        self._own = context.execution.flow.namespace

    def get(self, key: str, namespace: str | None = None) -> KvEntry | None:
        return self._store.get((namespace or self._own, key))

    def set(
        self,
        entry: KvEntry,
        *,
        namespace: str | None = None,
        ttl: timedelta | None = None,
        overwrite: bool = True,
    ) -> None:
        self._store[(namespace or self._own, entry.key)] = entry

    def delete(self, key: str, namespace: str | None = None) -> bool:
        return self._store.pop((namespace or self._own, key), None) is not None

    def keys(self, namespace: str | None = None, prefix: str = "") -> list[str]:
        place = namespace or self._own
        return [key for (ns, key) in self._store if ns == place and key.startswith(prefix)]


class MemoryNamespaceFiles:
    def __init__(self, context: "MemoryContext") -> None:
        self._files = context.world.namespace_files
        self._own = context.execution.flow.namespace

    def paths(
        self,
        namespace: str | None = None,
        *,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
    ) -> list[str]:
        from fnmatch import fnmatch

        place = namespace or self._own
        listed = [path for (ns, path) in self._files if ns == place]
        included = [p for p in listed if not list(include) or _any_match(fnmatch, p, include)]
        return [p for p in included if not _any_match(fnmatch, p, exclude)]

    def read(self, path: str, namespace: str | None = None) -> bytes:
        return self._files[(namespace or self._own, path)]

    def write(self, path: str, content: bytes, namespace: str | None = None) -> None:
        self._files[(namespace or self._own, path)] = content

    def delete(self, path: str, namespace: str | None = None) -> bool:
        return self._files.pop((namespace or self._own, path), None) is not None

    def materialize(
        self,
        to: Path,
        namespace: str | None = None,
        *,
        include: Iterable[str] = (),
        exclude: Iterable[str] = (),
    ) -> list[Path]:
        found = []
        for path in self.paths(namespace, include=include, exclude=exclude):
            target = to / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.read(path, namespace))
            found.append(target)
        return found


def _any_match(match: Callable[[str, str], bool], path: str, patterns: Iterable[str]) -> bool:
    return any(
        match(path, p.lstrip("/")) or match(path, f"*/{p}") or match(f"/{path}", p)
        for p in patterns
    )


@dataclass
class MemoryChild:
    context: "MemoryContext"
    task_id: str
    id: str

    def log(self, level: Level, message: str) -> None:
        self.context.world.logs.append(
            LogLine(
                self.context.now(), level, message, self.context.execution_id, self.id, self.task_id
            )
        )

    def finish(self, state: State, outputs: Mapping[str, object] | None = None) -> None:
        self.tell(state, outputs)

    def tell(self, state: State, outputs: Mapping[str, object] | None = None) -> None:
        context = self.context
        event = DynamicRun(
            context.task_run_id, self.id, self.task_id, state, context.now(), outputs
        )
        context.world.tell(context.execution_id, event)


@dataclass
class MemoryContext:
    """Implements RunContext."""

    world: "World"
    live: LiveExecution
    submit: Submit
    shared_dir: Path | None = None
    elapsed: timedelta = timedelta(0)
    labels: dict[str, str] = field(default_factory=dict)
    set_vars: dict[str, object] = field(default_factory=dict)
    removed_vars: list[str] = field(default_factory=list)
    ends_as: State | None = None
    is_killed: bool = False

    def __post_init__(self) -> None:
        self.execution = self.live.execution
        self.host = MemoryHost(self.world, self.execution)
        self.log = TaskLogs(self)
        self.files = MemoryFiles(self)
        self.kv = MemoryKv(self)
        self.namespace_files = MemoryNamespaceFiles(self)
        self.settings = PluginSettings()
        self.variables: Mapping[str, object] = self.live.variables_for(self.submit.task_run.id)
        self._made: Path | None = None

    @property
    def executions(self) -> Any:
        return self.world.executions_api

    @property
    def flow(self) -> FlowRef:
        return FlowRef(self.execution.flow, self.execution.revision)

    @property
    def execution_id(self) -> str:
        return self.execution.id

    @property
    def task_run_id(self) -> str:
        return self.submit.task_run.id

    @property
    def task_id(self) -> str:
        return self.submit.task.id

    @property
    def attempt(self) -> int:
        return self.submit.attempt

    @property
    def workdir(self) -> Path:
        if self.shared_dir is not None:
            return self.shared_dir
        if self._made is None:
            self._made = Path(tempfile.mkdtemp(prefix="attempt-"))
            self.world.folders.append(self._made)
        return self._made

    def now(self) -> datetime:
        return self.world.now + self.elapsed

    def _scope(self, extra: Mapping[str, object] | None = None) -> Scope:
        variables = {**self.variables, **extra} if extra else self.variables
        if self.shared_dir is not None or self._made is not None:
            variables = {**variables, "workingDir": str(self.workdir)}
        return Scope(variables, self.host, self.world.options)

    def render(self, prop: Property[Any]) -> Any:
        return prop.resolve(self.render_value)

    def render_text(self, text: str) -> str:
        return render(text, self._scope())

    def render_value(self, value: object, extra: Mapping[str, object] | None = None) -> object:
        return render_value(value, self._scope(extra))

    def render_typed(self, text: str) -> object:
        return render_typed(text, self._scope())

    def secret(self, key: str, namespace: str | None = None) -> str:
        return self.host.secret(key, namespace, None)

    def mask(self, value: str) -> None:
        self.host.masked.append(value)

    def hides(self, text: str) -> bool:
        return any(value in text for value in self.host.masked)

    def metric(self, name: str, value: float, kind: object = None, **tags: str) -> None:
        self.world.metrics.append((self.task_id, name, value))

    def child(self, task_id: str) -> MemoryChild:
        child = MemoryChild(self, task_id, self.world.ids())
        child.tell(State.RUNNING)
        return child

    def set_labels(self, labels: Mapping[str, str]) -> None:
        self.labels.update(labels)

    def set_variables(self, variables: Mapping[str, object], remove: Iterable[str] = ()) -> None:
        self.set_vars.update(variables)
        self.removed_vars.extend(remove)

    def end_execution(self, state: State) -> None:
        self.ends_as = state

    def run_command(self, runner: object, command: object) -> Any:
        raise InvalidInput("no commands in these tests")

    def on_kill(self, stop: Callable[[], None]) -> None:
        """Kills end a virtual attempt without asking it."""

    def wait(self, seconds: float) -> bool:
        self.elapsed += timedelta(seconds=seconds)
        return False
