"""Functions that find outputs in the turns of loops."""

from collections.abc import Callable, Mapping
from typing import Final

from mainstem.expr.arguments import a_text, an_integer
from mainstem.expr.errors import Fault
from mainstem.expr.numbers import type_name
from mainstem.expr.operators import LISTS
from mainstem.expr.runtime import Evaluation


def current_each_output(ev: Evaluation, outputs: object) -> object:
    """The outputs of a sibling in this turn of all the loops around the task."""
    if not isinstance(outputs, Mapping):
        raise Fault(f"`outputs` must be a map but is {type_name(outputs)}")
    own = ev.variable("taskrun")
    turns = _outer_turns(ev)
    if isinstance(own, Mapping) and "value" in own:
        turns.append(own["value"])
    if not turns:
        raise Fault("This task is not part of a loop")
    found = _within(outputs, turns)
    if found is None:
        raise Fault("There is no output of this task in this turn of the loop")
    return found


def _outer_turns(ev: Evaluation) -> list[object]:
    """The values of the loops around the task's own, outermost first."""
    parents = ev.variable("parents")
    around = list(parents) if isinstance(parents, LISTS) else []
    runs = [p.get("taskrun") for p in reversed(around) if isinstance(p, Mapping)]
    return [run["value"] for run in runs if isinstance(run, Mapping) and "value" in run]


def _within(outputs: object, turns: list[object]) -> object:
    for turn in turns:
        outputs = outputs.get(turn) if isinstance(outputs, Mapping) else None
    return outputs


def iteration_output(ev: Evaluation, task_id: object = None, iteration: object = None) -> object:
    """What a task gave in another turn of this loop, else in the one before.

    By id it is the `value` output, as of a Return; for `outputs.x` all outputs of that turn.
    """
    run = ev.variable("taskrun")
    own = run.get("iteration") if isinstance(run, Mapping) else None
    if not isinstance(own, int):
        raise Fault("`iterationOutput` can only be used by a task of a loop")
    turn = own - 1 if iteration is None else an_integer(iteration, "iteration")
    if turn < 0:
        raise Fault(f"There is no iteration {turn}: the first one is 0")
    by_turn = _outputs_of(ev, task_id)
    if by_turn is None:
        return None
    if turn >= len(by_turn):
        raise Fault(
            f"Iteration {turn} has no outputs yet; the last with outputs is {len(by_turn) - 1}"
        )
    found = list(by_turn.values())[turn]
    if isinstance(task_id, Mapping):
        return found
    return found.get("value") if isinstance(found, Mapping) else None


def _outputs_of(ev: Evaluation, task_id: object) -> Mapping[object, object] | None:
    """The outputs of a task by the turns of this loop."""
    found: object = task_id
    if not isinstance(task_id, Mapping):
        outputs, task = ev.variable("outputs"), ev.variable("task")
        own = task.get("id") if isinstance(task, Mapping) else None
        name = own if task_id is None else a_text(task_id, "taskId")
        found = outputs.get(name) if isinstance(outputs, Mapping) else None
    inside = _within(found, _outer_turns(ev))
    return inside if isinstance(inside, Mapping) else None


def loop_outputs(_: Evaluation, outputs: object, name: object) -> object:
    """One output of every iteration of a Loop, as a list."""
    if not isinstance(outputs, LISTS):
        raise Fault(f"`outputs` must be the list that a Loop gives but is {type_name(outputs)}")
    wanted = a_text(name, "name")
    inner = [item.get("outputs") for item in outputs if isinstance(item, Mapping)]
    return [item[wanted] for item in inner if isinstance(item, Mapping) and wanted in item]


def parent_output(ev: Evaluation, index: object = None) -> object:
    """The outputs of the parent, or of the ancestor at a place counted from the outermost."""
    if index is None:
        parent = ev.variable("parent")
    else:
        parents = ev.variable("parents")
        around = list(parents)[::-1] if isinstance(parents, LISTS) else []
        place = an_integer(index, "index")
        if not 0 <= place < len(around):
            raise Fault(f"There are {len(around)} parents, so that there is none at {place}")
        parent = around[place]
    return parent.get("outputs") if isinstance(parent, Mapping) else None


FUNCTIONS_LOOPS: Final[dict[str, tuple[Callable[..., object], str]]] = {
    "currentEachOutput": (current_each_output, "outputs"),
    "currentOutput": (current_each_output, "outputs"),
    "iterationOutput": (iteration_output, "taskId iteration"),
    "loopOutputs": (loop_outputs, "outputs name"),
    "parentOutput": (parent_output, "index"),
}
