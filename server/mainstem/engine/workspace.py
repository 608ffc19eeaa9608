"""A WorkingDirectory's children, driven by the worker that owns the folder.

The worker gets a small index of its own: the task run of the WorkingDirectory, its ancestors and
what expressions see. It sends Begin, makes the attempts that the Decisions submit, tells the
executor the changed task runs as WorkspaceRuns, waits for RETRY timers, and ends the task run
itself with Finished in the state that `verdict` holds once the children are done. Labels,
variables and an early end that children asked for go with that Finished; after an early end
`verdict` is set at once and nothing more is submitted.
"""

from collections.abc import Iterator

from mainstem.engine.live import LiveExecution
from mainstem.engine.node import Node


def open_workspace(live: LiveExecution, task_run_id: str) -> LiveExecution:
    """The worker's index; shares nothing with `live` that either of them changes."""
    node = live.node(task_run_id)
    local = LiveExecution(live.flow, live.execution, live.constants)
    local.workspace = task_run_id
    for above in reversed([*_upwards(node)]):
        local.add(above.run)
    inside = [task.id for task in node.task.subtasks()]
    local.adopt(live, inside, node.path)
    return local


def _upwards(node: Node) -> Iterator[Node]:
    each: Node | None = node
    while each is not None and not each.is_root:
        yield each
        each = each.parent
