"""A flow with some of its tasks replaced, wherever in the tree they lie."""

from collections.abc import Callable
from typing import Any, Final

from mainstem.sdk.flow import Flow
from mainstem.sdk.task import Task

_LISTS: Final = ("tasks", "errors", "finally_", "after_execution", "listeners")
Change = Callable[[Task], Task | None]


def replace_tasks(flow: Flow, change: Change) -> Flow:
    """A flow whose tasks are what `change` makes of them; None keeps a task and looks into it."""
    filled = {name: _changed(getattr(flow, name), change) for name in _LISTS}
    # A copy would share the flow's index of tasks by id.
    return Flow.model_construct(flow.model_fields_set, **{**dict(flow), **filled})


def _changed(value: Any, change: Change) -> Any:
    """A task, or anything that holds tasks."""
    if isinstance(value, tuple):
        return tuple(_changed(item, change) for item in value)
    if isinstance(value, dict):
        return {key: _changed(item, change) for key, item in value.items()}
    if isinstance(value, Task) and (new := change(value)) is not None:
        return new
    fields = type(value).model_fields if hasattr(type(value), "model_fields") else {}
    altered = {
        name: new
        for name in fields
        if _may_hold_tasks(item := getattr(value, name)) and (new := _changed(item, change)) != item
    }
    return value.model_copy(update=altered) if altered else value


def _may_hold_tasks(value: object) -> bool:
    return isinstance(value, (tuple, dict)) or hasattr(type(value), "model_fields")
