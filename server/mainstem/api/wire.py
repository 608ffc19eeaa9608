"""Domain values to the JSON of the reference's API."""

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from mainstem.flowspec.source import load
from mainstem.model.duration import format_duration
from mainstem.model.execution import Attempt, Execution, TaskRun
from mainstem.model.state import History
from mainstem.services.flows import FlowRevision
from mainstem.services.kv import StoredKv
from mainstem.services.search import StoredLine, StoredMetric

Json = dict[str, Any]


def moment(at: datetime | None) -> str | None:
    """ISO text in UTC."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def state(history: History, now: datetime) -> Json:
    """The `state` object."""
    found: Json = {
        "current": history.current.value,
        "histories": [{"state": m.state.value, "date": moment(m.at)} for m in history.moments],
        "duration": format_duration(history.duration(now)),
        "startDate": moment(history.started_at),
    }
    if history.ended_at is not None:
        found["endDate"] = moment(history.ended_at)
    return found


def attempt(item: Attempt, now: datetime) -> Json:
    found: Json = {"state": state(item.history, now)}
    if item.log_file:
        found["logFile"] = item.log_file
    return found


def task_run(run: TaskRun, execution: Execution, now: datetime) -> Json:
    found: Json = {
        "id": run.id,
        "executionId": run.execution_id,
        "namespace": execution.flow.namespace,
        "flowId": execution.flow.id,
        "taskId": run.task_id,
        "parentTaskRunId": run.parent_id,
        "value": run.value,
        "iteration": run.iteration,
        "attempts": [attempt(item, now) for item in run.attempts] or None,
        "outputs": run.outputs or {},
        "state": state(run.history, now),
        "dynamic": run.dynamic or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def execution(
    item: Execution, runs: Sequence[TaskRun] | None, now: datetime, url: str | None = None
) -> Json:
    """An execution; without `runs` the list of task runs is left out."""
    found: Json = {
        "id": item.id,
        "namespace": item.flow.namespace,
        "flowId": item.flow.id,
        "flowRevision": item.revision,
        "inputs": dict(item.inputs) or None,
        "outputs": item.outputs,
        "labels": labels(item.labels),
        "variables": {k: v for k, v in item.variables.items() if not k.startswith("system.")}
        or None,
        "state": state(item.history, now),
        "parentId": item.parent_id,
        "originalId": item.original_id or item.id,
        "scheduleDate": moment(item.schedule_at),
        "commit": item.commit,
        "error": item.error,
        "deleted": False,
        "metadata": {
            "attemptNumber": item.attempt,
            "originalCreatedDate": moment(item.history.started_at),
        },
        "url": url,
    }
    if item.trigger is not None:
        found["trigger"] = {
            "id": item.trigger.id,
            "type": item.trigger.type,
            "variables": item.trigger.variables,
        }
    if runs is not None:
        found["taskRunList"] = [task_run(run, item, now) for run in runs]
    return {key: value for key, value in found.items() if value is not None}


def labels(items: Mapping[str, str]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in items.items()]


@lru_cache(maxsize=512)
def _parsed(source: str) -> Json:
    tree = load(source).data
    return json_of(tree) if isinstance(tree, dict) else {}


def plain_flow(source: str) -> Json:
    """The map of a flow's source; what is in it must not be changed."""
    return _parsed(source)


def json_of(value: Any) -> Any:
    """YAML reads dates and sets; JSON has neither."""
    if isinstance(value, dict):
        return {str(key): json_of(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [json_of(item) for item in value]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def flow(item: FlowRevision, *, source: bool = True) -> Json:
    """A flow: the map of its source with what the server knows of the revision."""
    found: Json = {
        **plain_flow(item.source),
        "id": item.flow.id,
        "namespace": item.flow.namespace,
        "revision": item.revision,
        "disabled": item.disabled,
        "deleted": item.deleted,
        "draft": False,
        "updated": moment(item.created_at),
    }
    if item.labels:
        found["labels"] = labels(item.labels)
    else:
        found.pop("labels", None)
    if item.origin is not None:
        origin = item.origin
        found["git"] = {
            "source": origin.source,
            "commit": origin.commit,
            "path": origin.path,
            "author": origin.author,
            "message": origin.message,
        }
    if source:
        found["source"] = item.source
    return found


def log_line(item: StoredLine) -> Json:
    line = item.line
    found: Json = {
        "namespace": item.flow.namespace if item.flow else None,
        "flowId": item.flow.id if item.flow else None,
        "executionId": line.execution_id,
        "taskId": line.task_id,
        "taskRunId": line.task_run_id,
        "attemptNumber": None if line.attempt is None else line.attempt - 1,
        "triggerId": line.trigger_id,
        "timestamp": moment(line.at),
        "level": line.level.name,
        "message": line.message,
        "index": item.number,
    }
    return {key: value for key, value in found.items() if value is not None}


def metric(item: StoredMetric) -> Json:
    return {
        "taskId": item.task_id,
        "taskRunId": item.task_run_id,
        "name": item.metric.name,
        "type": item.metric.kind.value,
        "value": item.metric.value,
        "tags": item.metric.tags,
        "timestamp": moment(item.at),
    }


def kv(item: StoredKv) -> Json:
    return {
        "key": item.key,
        "type": item.kind,
        "description": item.description,
        "creationDate": moment(item.created_at),
        "updateDate": moment(item.updated_at),
        "expirationDate": moment(item.expires_at),
        "revision": item.revision,
    }


def listing(results: Sequence[Json], total: int) -> Json:
    """A part of a list with the number of all."""
    return {"results": list(results), "total": total}
