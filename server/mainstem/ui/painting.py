"""A flow's drawing from its source, and the states of an execution painted on it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Final

import yaml

from mainstem.model.execution import TaskRun
from mainstem.model.state import State
from mainstem.ui import format as words
from mainstem.ui.topology import Step, Topology, from_tasks, paint

#: What a task that ran many times shows: the first of these that one of its runs is in.
_WORST_FIRST: Final = (
    State.FAILED, State.KILLED, State.KILLING, State.RUNNING, State.RETRYING, State.PAUSED,
    State.RESTARTED, State.CREATED, State.QUEUED, State.WARNING, State.CANCELLED, State.RETRIED,
    State.SUCCESS, State.SKIPPED,
)  # fmt: skip


@lru_cache(maxsize=256)
def from_source(source: str) -> Topology:
    """The drawing of a flow's source; what cannot be read is left out."""
    try:
        content = yaml.load(source, Loader=yaml.CSafeLoader)  # it is a safe loader
    except yaml.YAMLError:
        content = None
    flow = content if isinstance(content, Mapping) else {}
    return from_tasks(
        _tasks(flow.get("tasks")),
        triggers=_tasks(flow.get("triggers")),
        errors=_tasks(flow.get("errors")),
        finally_=_tasks(flow.get("finally")),
    )


def variables(source: str) -> Mapping[str, object]:
    """The `variables` of a flow's source, as written."""
    try:
        content = yaml.load(source, Loader=yaml.CSafeLoader)  # it is a safe loader
    except yaml.YAMLError:
        return {}
    found = content.get("variables") if isinstance(content, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def with_runs(topology: Topology, runs: Sequence[TaskRun], now: datetime, base: str) -> Topology:
    """Each task with its state, duration and a link to its log; loops show how far they are."""
    by_task: dict[str, list[TaskRun]] = {}
    for run in runs:
        by_task.setdefault(run.task_id, []).append(run)

    def painter(step: Step) -> Step:
        own = by_task.get(step.id)
        if not own:
            return step
        state = next(s for s in _WORST_FIRST if any(run.state is s for run in own))
        return replace(step, state=state, note=_note(own, now), href=f"{base}/logs?task={step.id}")

    return paint(topology, painter)


def with_links(topology: Topology, base: str, lines: Mapping[str, int]) -> Topology:
    """Each task leads to its line of the source."""
    return paint(
        topology,
        lambda step: (
            replace(step, href=f"{base}/source#L{lines[step.id]}") if step.id in lines else step
        ),
    )


def task_lines(source: str) -> dict[str, int]:
    """The line on which each id of a source stands."""
    found: dict[str, int] = {}
    for number, text in enumerate(source.splitlines(), start=1):
        key, separator, value = text.strip().removeprefix("- ").partition(":")
        if separator and key.strip() == "id":
            found.setdefault(value.split("#")[0].strip().strip("'\""), number)
    return found


def _note(runs: Sequence[TaskRun], now: datetime) -> str:
    if len(runs) == 1:
        return words.duration(runs[0].history.duration(now))
    ended = sum(run.state.is_terminal for run in runs)
    return f"{ended} of {len(runs)}"


def _tasks(content: object) -> list[Mapping[str, object]]:
    if not isinstance(content, list):
        return []
    return [item for item in content if isinstance(item, Mapping)]
