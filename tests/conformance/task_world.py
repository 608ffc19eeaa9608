"""A whole server for one corpus line of `tasks.jsonl`, without its loops."""

import asyncio
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from mainstem.app import App
from mainstem.clock import FrozenClock, SystemClock
from mainstem.expr.ion import to_ion
from mainstem.model.duration import parse_duration
from mainstem.model.execution import Execution, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.state import History
from mainstem.sdk.context import KvEntry
from mainstem.sdk.flow import Flow
from mainstem.sdk.registry import built_task
from mainstem.sdk.task import RunnableTask
from mainstem.server import create_server
from mainstem.settings import load_settings
from mainstem.worker.adapters import TaskFiles
from mainstem.worker.context import AttemptContext
from mainstem.worker.job import Job
from mainstem.worker.outputs import storable
from tests.conformance.expressions import typed

NAMESPACE = "io.namespace"
KEY = "my-key"
_TEXT = "id: corpus\nnamespace: io.kestra.tests\n"


class TaskWorld:
    """Runs tasks and API calls of one line; `now` moves only when told."""

    def __init__(self, line: Mapping[str, Any], folder: Path) -> None:
        self.line = line
        self.setup: Mapping[str, Any] = line.get("setup") or {}
        self.clock = FrozenClock(SystemClock().now())
        settings = load_settings(overrides={"state_dir": str(folder)}, environment={})
        self.app = App(settings, clock=self.clock, environment={})
        variables = typed(line.get("vars") or {})
        flow = {"id": "corpus", "namespace": "io.kestra.tests", **(variables.get("flow") or {})}
        self.flow = FlowId(flow["namespace"], flow["id"])
        self.variables = {**variables, "flow": flow}
        history = History.begin(self.clock.now())
        self.execution = Execution("corpus-execution", self.flow, 1, history)
        self.random = self.app.ids()
        self.file: str | None = None
        self.content = b""
        self._count = 0
        self._prepare()

    # set-up

    def _prepare(self) -> None:
        for namespace, entries in (self.setup.get("kv") or {}).items():
            for key, value in entries.items():
                self.app.kv.set(namespace, KvEntry(key, typed(value), ""))
        for key, ttl in (self.setup.get("kv_ttl") or {}).items():
            self._set_for(key, ttl)
        if self.setup.get("kv_expired"):
            self._set_for(KEY, "PT1S")
            self.clock.advance(timedelta(seconds=2))
        if "kv_raw_ion" in self.setup:
            path = f"PUT /api/v1/namespaces/{NAMESPACE}/kv/{KEY}"
            self.call({"api": path, "body": self.setup["kv_raw_ion"]})
        content = self._file_content()
        if content is not None:
            self.content = content
            name = self.setup.get("file_name") or "file.yml"
            self.file = self._files("setup").put_bytes(content, name)

    def _set_for(self, key: str, ttl: str) -> None:
        length = parse_duration(ttl) or timedelta(microseconds=1)
        self.app.kv.set(NAMESPACE, KvEntry(key, "value", ""), ttl=length)

    def _file_content(self) -> bytes | None:
        setup = self.setup
        if "items" in setup:
            return "".join(f"{to_ion(typed(item))}\n" for item in setup["items"]).encode()
        if "file_lines" in setup:
            pad = setup["file_lines"]["left_pad"]
            return "".join(f"{n:>{pad}}\n" for n in range(setup["file_lines"]["count"])).encode()
        if "file_content" in setup:
            return str(setup["file_content"]).encode()
        if "random_bytes" in setup:
            return bytes(setup["random_bytes"])
        return _TEXT.encode() if "file" in setup else None

    # acting

    def context(self, task: RunnableTask) -> AttemptContext:
        history = History.begin(self.clock.now())
        self._count += 1
        run = TaskRun(f"run-{self._count}", self.execution.id, task.id, history, 0)
        flow = Flow.model_construct(id=self.flow.id, namespace=self.flow.namespace)
        job = Job(flow, self.execution, task, run, 1, self.variables)
        return AttemptContext(job, self.app.workers._services, lambda _progress: None)

    def run(self, described: Mapping[str, Any]) -> Mapping[str, Any]:
        """The outputs of a task; raises as the task does."""
        properties = self.substituted(dict(described))
        task = built_task(self.app.registry, {"id": "task", **properties})
        assert isinstance(task, RunnableTask)
        context = self.context(task)
        try:
            return storable(task.run(context), keep_nulls=True) or {}
        finally:
            context.cleanup()

    def call(self, described: Mapping[str, Any]) -> Any:
        """The answer of an API call."""
        method, path = described["api"].split(" ", 1)
        path = path.replace("{ns}", NAMESPACE).replace("{key}", KEY)
        body = described.get("body")
        content = body if isinstance(body, str) or body is None else json.dumps(body)
        headers = {"content-type": "application/json", **(described.get("headers") or {})}
        return asyncio.run(self._ask(method, path, content, headers))

    async def _ask(
        self, method: str, path: str, content: str | None, headers: Mapping[str, str]
    ) -> httpx.Response:
        owner = {"authorization": f"Bearer {self.app.sign_in.local_token}"}
        transport = httpx.ASGITransport(create_server(self.app), raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url=self.app.base_url, headers=owner
        ) as client:
            return await client.request(method, path, content=content, headers=dict(headers))

    # reading

    def substituted(self, value: Any) -> Any:
        """The line's names for its file and for a random text replaced."""
        if isinstance(value, dict):
            if "$json" in value:
                return json.dumps(self.substituted(value["$json"]))
            return {key: self.substituted(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.substituted(item) for item in value]
        if not isinstance(value, str):
            return value
        text = value.replace("$random", self.random)
        if self.file is None:
            return text
        name = self.setup.get("file") or "$file"
        if text == name:
            return self.file
        return text.replace("$file", self.file).replace(f'"{name}"', f'"{self.file}"')

    def read(self, uri: str) -> bytes:
        with self._files("read").open(uri) as file:
            return file.read()

    def expiry(self, namespace: str, key: str) -> datetime | None:
        found = self.app.kv.find(namespace, key, inherit=False)
        return found.entry.expires_at if found else None

    def _files(self, task_id: str) -> TaskFiles:
        history = History.begin(self.clock.now())
        run = TaskRun(task_id, self.execution.id, task_id, history, 0)
        return TaskFiles(self.app.storage, self.execution, run)


@contextmanager
def task_world(line: Mapping[str, Any]) -> Iterator[TaskWorld]:
    """A world that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        world = TaskWorld(line, Path(folder))
        try:
            yield world
        finally:
            world.app.stop()
