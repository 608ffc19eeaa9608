"""Templates (deprecated in the language): their tasks are put in place before a flow is run."""

from collections.abc import Callable, Sequence

from mainstem.sdk.flow import Flow
from mainstem.sdk.rewrite import replace_tasks
from mainstem.sdk.task import Task

FindTemplate = Callable[[str, str, str], Sequence[Task] | None]


def inline_templates(flow: Flow, find: FindTemplate) -> Flow:
    """The flow with every Template task given the tasks of its template, where there is one.

    `find` gets the namespace of the flow, that of the template and its id. A flow without
    Template tasks is returned as it is.
    """
    if not any(_is_template(task) for task in flow.all_tasks()):
        return flow

    def fill(task: Task) -> Task | None:
        if not _is_template(task):
            return None
        found = find(flow.namespace, task.namespace, task.template_id)  # type: ignore[attr-defined]
        return task.model_copy(update={"found": tuple(found) if found is not None else None})

    return replace_tasks(flow, fill)


def _is_template(task: Task) -> bool:
    return "template_id" in type(task).model_fields
