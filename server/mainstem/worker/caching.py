"""A task run that may take the result of an earlier one (`taskCache`)."""

import hashlib
import re
from typing import TYPE_CHECKING

from mainstem.errors import MainstemError
from mainstem.sdk.task import Task
from mainstem.services.task_cache import CachedResult, TaskCacheService
from mainstem.storage.uri import execution_prefix, task_run_prefix

if TYPE_CHECKING:
    from mainstem.worker.context import AttemptContext

_URI = re.compile(r"(?:kestra|mainstem):///[^\s\"'`]+")
_PIECE = 1 << 20


class ResultCache:
    """The cache as one attempt uses it; the key is made before the task runs."""

    def __init__(self, context: "AttemptContext", service: TaskCacheService) -> None:
        self._context = context
        self._service = service
        cache = context.job.task.task_cache
        self._ttl = cache.ttl if cache is not None else None
        execution = context.job.execution
        self._key = service.key(execution.flow, context.task_id, self._properties())

    def find(self) -> CachedResult | None:
        """The earlier result, with its files as files of this task run."""
        found = self._service.find(self._key, self._ttl)
        if found is None:
            return None
        context = self._context
        execution = context.job.execution
        own = task_run_prefix(execution.flow, execution.id, context.task_id, context.task_run_id)
        outputs = self._service.outputs_for(found, own)
        context.log.info(
            f"Hit the task cache: these are the outputs of execution {found.execution_id}, kept "
            f"at {found.created_at.isoformat()}"
        )
        return CachedResult(
            found.key,
            found.flow,
            found.task_id,
            found.execution_id,
            outputs,
            found.created_at,
            found.expires_at,
        )

    def keep(self, outputs: dict[str, object] | None) -> None:
        """Keep what the task gave; a cache that cannot be written costs a warning only."""
        context = self._context
        execution = context.job.execution
        result = CachedResult(
            self._key, execution.flow, context.task_id, execution.id, outputs, context.now()
        )
        try:
            self._service.keep(result, execution_prefix(execution.flow, execution.id), self._ttl)
        except MainstemError as error:
            context.log.warn(f"the result was not kept in the task cache: {error.message}")

    def _properties(self) -> object:
        task = self._context.job.task
        written = task.model_dump(mode="json", by_alias=True, exclude_unset=True)
        common = {field.alias or name for name, field in Task.model_fields.items()}
        own = {name: value for name, value in written.items() if name not in common}
        rendered = {name: self._rendered(value) for name, value in sorted(own.items())}
        if written.get("namespaceFiles"):
            rendered["$files"] = self._namespace_files()
        return [task.type, rendered]

    def _rendered(self, value: object) -> object:
        if isinstance(value, dict):
            return {str(key): self._rendered(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._rendered(item) for item in value]
        if not isinstance(value, str):
            return value
        try:
            text = self._context.render_text(value)
        except MainstemError:
            text = value  # it speaks of what is there only while the task runs
        return _URI.sub(self._content, text)

    def _content(self, found: re.Match[str]) -> str:
        """Files are told apart by what they hold, for every execution has URIs of its own."""
        digest = hashlib.sha256()
        try:
            with self._context.files.open(found[0]) as file:
                while piece := file.read(_PIECE):
                    digest.update(piece)
        except MainstemError:
            return found[0]
        return f"sha256:{digest.hexdigest()}"

    def _namespace_files(self) -> list[list[str]]:
        files = self._context.namespace_files
        return [
            [path, hashlib.sha256(files.read(path)).hexdigest()] for path in sorted(files.paths())
        ]
