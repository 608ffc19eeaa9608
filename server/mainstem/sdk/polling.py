"""Triggers that ask what a task asks."""

from typing import Final

from mainstem.sdk.context import RunContext
from mainstem.sdk.task import RunnableTask
from mainstem.sdk.trigger import Found, PollingTrigger

_OF_TRIGGERS: Final = frozenset(PollingTrigger.model_fields) | {"type", "id"}


def found_by(trigger: PollingTrigger, task_type: str, ctx: RunContext) -> Found | None:
    """Run a task with the trigger's own properties; its outputs once their `size` is not 0."""
    own = set(type(trigger).model_fields) - _OF_TRIGGERS
    given = trigger.model_dump(by_alias=True, exclude_none=True, include=own)
    task = ctx.build_task({"id": trigger.id, "type": task_type, **given})
    assert isinstance(task, RunnableTask)
    found = dict(task.run(ctx) or {})
    return Found(found) if found.get("size") else None
