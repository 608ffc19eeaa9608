"""Templates (deprecated in the language): their tasks are put in place before a flow is run."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from mainstem.sdk.flow import Flow
from mainstem.sdk.task import Task

_LISTS: Final = ("tasks", "errors", "finally_", "after_execution")
FindTemplate = Callable[[str, str], Sequence[Task] | None]


def inline_templates(flow: Flow, find: FindTemplate) -> Flow:
    """The flow with every Template task given the tasks of its template, where there is one.

    `find` gets a namespace and a template id. A flow without Template tasks is returned as it is.
    """
    if not any(_is_template(task) for task in flow.all_tasks()):
        return flow
    filled = {name: _filled(getattr(flow, name), find) for name in _LISTS}
    # A copy would share the flow's index of tasks by id.
    return Flow.model_construct(flow.model_fields_set, **{**dict(flow), **filled})


def _is_template(task: Task) -> bool:
    return "template_id" in type(task).model_fields


def _filled(value: Any, find: FindTemplate) -> Any:
    """A task, or anything that holds tasks, with its templates filled in."""
    if isinstance(value, tuple):
        return tuple(_filled(item, find) for item in value)
    if isinstance(value, dict):
        return {key: _filled(item, find) for key, item in value.items()}
    fields = type(value).model_fields if hasattr(type(value), "model_fields") else {}
    if isinstance(value, Task) and _is_template(value):
        found = find(value.namespace, value.template_id)  # type: ignore[attr-defined]
        return value.model_copy(update={"found": tuple(found) if found is not None else None})
    changed = {
        name: _filled(item, find)
        for name in fields
        if isinstance(item := getattr(value, name), (tuple, dict)) or isinstance(item, Task)
    }
    return value.model_copy(update=changed) if changed else value
