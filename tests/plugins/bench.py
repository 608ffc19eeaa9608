"""Runs tasks of plug-ins on a whole server, as a flow would."""

import itertools
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from mainstem.app import App
from mainstem.bus.inprocess import EXECUTIONS
from mainstem.model.execution import Execution, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.sdk.context import KvEntry
from mainstem.services.execution_files import ExecutionFiles
from mainstem.services.executions import NewRun
from mainstem.services.search import ExecutionFilter, StoredMetric
from tests.server.conftest import Server

NAMESPACE = "plugins.test"
_numbers = itertools.count(1)


@dataclass
class Outcome:
    """An execution that has ended, by task id."""

    bench: "Bench"
    execution: Execution

    @property
    def state(self) -> State:
        return self.execution.state

    @property
    def runs(self) -> list[TaskRun]:
        return self.bench.server.runs(self.execution)

    @property
    def states(self) -> dict[str, State]:
        return self.bench.server.states(self.execution)

    @property
    def outputs(self) -> dict[str, Any]:
        found = self.bench.server.outputs(self.execution)
        return {task: dict(outputs or {}) for task, outputs in found.items()}

    @property
    def logs(self) -> list[str]:
        return self.bench.server.logs(self.execution)

    @property
    def metrics(self) -> list[StoredMetric]:
        return self.bench.server.app.search.metrics(self.execution.id)

    @property
    def errors(self) -> str:
        return "\n".join(line for line in self.logs if line.startswith("ERROR"))

    def read(self, uri: str) -> bytes:
        """The content of a file that the execution stored."""
        with ExecutionFiles(self.bench.app.storage, self.execution).open(uri) as file:
            return file.read()

    def text(self, uri: str) -> str:
        return self.read(uri).decode()


class Bench:
    """Makes flows out of tasks; every flow has a name of its own."""

    def __init__(self, server: Server) -> None:
        self.server = server

    @property
    def app(self) -> App:
        return self.server.app

    def flow(self, tasks: Sequence[Mapping[str, Any]], **properties: Any) -> str:
        flow = {"id": f"flow-{next(_numbers)}", "namespace": NAMESPACE, **properties}
        return yaml.safe_dump({**flow, "tasks": [dict(task) for task in tasks]}, sort_keys=False)

    def run(self, *tasks: Mapping[str, Any], **properties: Any) -> Outcome:
        """The tasks one after another; whatever the end, it is an outcome."""
        return Outcome(self, self.server.run(self.flow(tasks, **properties)))

    def start(self, *tasks: Mapping[str, Any], **properties: Any) -> Execution:
        return self.server.start(self.flow(tasks, **properties))

    def again(self, flow: FlowId) -> Outcome:
        """Another execution of a flow that is there."""
        execution = self.app.executions.create(NewRun(flow))
        return Outcome(self, self.server.wait(execution.id))

    def ended(self, execution: Execution) -> Outcome:
        return Outcome(self, self.server.wait(execution.id))

    def first_of(self, flow: FlowId) -> Outcome:
        """The first execution of a flow that something else starts."""
        return self.nth_of(flow, 1)

    def nth_of(self, flow: FlowId, number: int) -> Outcome:
        """The execution of that number, from the oldest on."""
        started = threading.Event()
        unsubscribe = self.app.bus.subscribe([EXECUTIONS], lambda _topic: started.set())
        try:
            while len(found := self.app.search.page(_of(flow)).executions) < number:
                assert started.wait(self.server.patience), f"nothing started {flow}"
                started.clear()
        finally:
            unsubscribe()
        return self.ended(found[-number])

    def set_kv(self, namespace: str = NAMESPACE, **values: object) -> None:
        for key, value in values.items():
            self.app.kv.set(namespace, KvEntry(key, value, ""))

    def put_file(self, path: str, content: str, namespace: str = NAMESPACE) -> None:
        self.app.files.write(namespace, path, content.encode())


def _of(flow: FlowId) -> ExecutionFilter:
    return ExecutionFilter(flows=(flow,))


def task(type_: str, id_: str = "t", **properties: Any) -> dict[str, Any]:
    """A task; a trailing underscore of a name is not part of it."""
    given = {name.rstrip("_"): value for name, value in properties.items()}
    return {"id": id_, "type": f"io.kestra.plugin.{type_}", **given}


def written(content: str, id_: str = "file", extension: str = ".txt") -> dict[str, Any]:
    """A task that stores a file, whose URI is `outputs.<id>.uri`."""
    return task("core.storage.Write", id_, content=content, extension=extension)
