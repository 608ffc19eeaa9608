"""Second lives: restart in place, replay as a new execution, states overridden by a user.

Each first says which rows change and which go (`Rewrite`), then applies that to the index or to
a copy under new ids. What was rewritten runs with the next Begin.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from mainstem.engine.decision import (
    ChangeExecutionState,
    ChangeTaskRunState,
    NewExecution,
    ReplayRequested,
    RestartRequested,
)
from mainstem.engine.flowing import lanes_of, open_flowable, rearm, watch_time
from mainstem.engine.node import Node
from mainstem.engine.plan import Kind, Section
from mainstem.engine.turn import Step, Turn
from mainstem.errors import Conflict, InvalidInput
from mainstem.model.execution import TaskRun
from mainstem.model.state import History, State
from mainstem.sdk.flowable import Lane

NOTHING_TO_RESTART = "No task found to restart execution from!"
_AGAIN = frozenset({State.FAILED, State.PAUSED, State.KILLED, State.CANCELLED})


@dataclass(slots=True)
class Rewrite:
    """Rows to replace by id, and the topmost nodes to drop with everything below them."""

    rows: dict[str, TaskRun] = field(default_factory=dict)
    dropped: dict[str, Node] = field(default_factory=dict)

    def drop(self, nodes: Iterable[Node]) -> None:
        self.dropped.update((node.run.id, node) for node in nodes)


def restart(turn: Turn, event: RestartRequested) -> None:
    """Run again what failed; raises Conflict or InvalidInput when that makes no sense."""
    live = turn.live
    state = live.execution.state
    if not (state.is_terminal or state is State.PAUSED):
        raise Conflict(f"Execution must be terminated to be restarted, current state is '{state}'!")
    failed = [node for node in live.nodes.values() if _restarts(node)]
    if not failed:
        raise InvalidInput(NOTHING_TO_RESTART)
    rewrite = Rewrite()
    for node in failed:
        _run_again(turn, rewrite, node)
    _drop_branches(turn, rewrite)
    if event.revision is None:
        _apply(turn, rewrite)
    else:
        _copy(turn, rewrite, event.revision, event.execution_id)


def _restarts(node: Node) -> bool:
    """A failed task run that did not fail for the sake of one below it."""
    if node.state not in _AGAIN or node.run.dynamic or not _in_main(node):
        return False
    if node.plan is not None and node.plan.kind is Kind.WORKSPACE:
        return True
    return not any(child.state in _AGAIN and _in_main(child) for child in node.children.values())


def _in_main(node: Node) -> bool:
    above: Node | None = node
    while above is not None and not above.is_root:
        if above.section > Section.MAIN:
            return False
        if above.parent is not None and not above.parent.is_root:
            plan = above.parent.plan
            if plan is not None and plan.kind is Kind.WORKSPACE:
                return False
        above = above.parent
    return True


def _run_again(turn: Turn, rewrite: Rewrite, node: Node) -> None:
    """Put a task run on RESTARTED (a flowable on RUNNING) and its ancestors on RUNNING."""
    now = turn.env.now
    plan = node.plan
    if plan is not None and plan.kind is Kind.FLOW:
        rewrite.rows[node.run.id] = node.run.to(State.RUNNING, now)
    else:
        rewrite.rows[node.run.id] = node.run.to(State.RESTARTED, now)
        rewrite.drop(node.children.values())
    _revive_above(turn, rewrite, node)


def _revive_above(turn: Turn, rewrite: Rewrite, node: Node) -> None:
    for above in _ancestors(node):
        if above.run.id not in rewrite.rows:
            rewrite.rows[above.run.id] = above.run.to(State.RUNNING, turn.env.now)


def _ancestors(node: Node) -> Iterator[Node]:
    above = node.parent
    while above is not None and not above.is_root:
        yield above
        above = above.parent


def _drop_branches(turn: Turn, rewrite: Rewrite) -> None:
    """Drop errors, finally and after branches of every parent that runs again."""
    live = turn.live
    parents = [live.root, *(live.nodes[run_id] for run_id in rewrite.rows)]
    for parent in parents:
        rewrite.drop(child for child in parent.children.values() if child.section > Section.MAIN)


def replay(turn: Turn, event: ReplayRequested) -> None:
    """Make a new execution; raises InvalidInput when the task run is unknown."""
    live = turn.live
    if event.task_run_id is None:
        _replay_all(turn, event)
        return
    node = live.nodes.get(event.task_run_id)
    if node is None or node.run.dynamic:
        raise InvalidInput(NOTHING_TO_RESTART)
    rewrite = Rewrite()
    _run_again(turn, rewrite, node)
    rewrite.drop(node.children.values())
    each: Node | None = node
    while each is not None and each.parent is not None:
        rewrite.drop(_following(turn, each))
        each = each.parent
    _copy(turn, rewrite, event.revision, event.execution_id, event.inputs)


def _replay_all(turn: Turn, event: ReplayRequested) -> None:
    old = turn.live.execution
    turn.new.append(
        NewExecution(
            replace(
                old,
                id=event.execution_id or turn.env.ids(),
                revision=event.revision or old.revision,
                history=History.begin(turn.env.now),
                inputs=old.inputs if event.inputs is None else event.inputs,
                outputs=None,
                parent_id=old.id,
                original_id=old.original_id or old.id,
                schedule_at=None,
                error=None,
            )
        )
    )


def _following(turn: Turn, node: Node) -> Iterator[Node]:
    """The siblings that come after a node, or that have not ended."""
    parent = node.parent
    assert parent is not None
    places, limit, needing = _places(turn, parent)
    mine = places.get(_place_of(node, places))
    for sibling in parent.children.values():
        if sibling is node:
            continue
        place = places.get(_place_of(sibling, places))
        if sibling.section is not node.section:
            later = sibling.section > node.section
        elif not sibling.state.is_terminal:
            later = True
        elif mine is None or place is None:
            later = sibling.run.position > node.run.position
        elif limit == 1:
            later = (place[1], place[0]) > (mine[1], mine[0])
        else:
            later = (place[0] == mine[0] and place[1] > mine[1]) or place[0] in needing(mine[0])
        if later:
            yield sibling


def _places(turn: Turn, parent: Node):  # type: ignore[no-untyped-def]
    """Where each child of a parent belongs: (lane, step) by task id, value and iteration."""
    try:
        lanes = lanes_of(turn, parent)
    except Exception:  # a plug-in's own code may raise anything; order of creation serves then
        return {}, 1, lambda _: frozenset()
    indexed = parent.plan is not None and parent.plan.isolates
    places = {
        (task.id, lane.value, lane.iteration if indexed else None): (number, step)
        for number, lane in enumerate(lanes.lanes)
        for step, task in enumerate(lane.tasks)
    }
    return places, lanes.limit, lambda lane: _dependents(lanes.lanes, lane)


def _place_of(node: Node, places):  # type: ignore[no-untyped-def]
    run = node.run
    full = (run.task_id, run.value, run.iteration)
    return full if full in places else (run.task_id, run.value, None)


def _dependents(lanes: "Iterable[Lane]", lane: int) -> frozenset[int]:
    """Lanes that need the given one, directly or through others."""
    listed = list(lanes)
    found: set[int] = set()
    names = {task.id for task in listed[lane].tasks}
    grown = True
    while grown:
        grown = False
        for number, each in enumerate(listed):
            if number not in found and names.intersection(each.needs):
                found.add(number)
                names.update(task.id for task in each.tasks)
                grown = True
    return frozenset(found)


def _apply(turn: Turn, rewrite: Rewrite) -> None:
    live = turn.live
    for node in rewrite.dropped.values():
        if node.run.id in live.nodes:
            turn.cancel.extend(run_id for run_id in _open_below(node))
            turn.remove(node)
    for run_id, run in rewrite.rows.items():
        node = live.nodes[run_id]
        turn.drop_timers(node)
        turn.put(node, run)
        node.branch = None
    live.root.branch = None
    live.release()
    live.execution = replace(live.execution, outputs=None, error=None)
    turn.state(State.RESTARTED)
    turn.begin = True


def _copy(
    turn: Turn,
    rewrite: Rewrite,
    revision: int | None,
    new_id: str | None,
    inputs: Mapping[str, object] | None = None,
) -> None:
    live = turn.live
    old = live.execution
    execution_id = new_id or turn.env.ids()
    gone = set(_below(rewrite.dropped.values()))
    kept = [node for node in live.nodes.values() if node.run.id not in gone]
    names = {node.run.id: turn.env.ids() for node in kept}
    runs = tuple(
        replace(
            rewrite.rows.get(node.run.id, node.run),
            id=names[node.run.id],
            execution_id=execution_id,
            parent_id=names.get(node.run.parent_id) if node.run.parent_id else None,
        )
        for node in kept
    )
    execution = replace(
        old.to(State.RESTARTED, turn.env.now),
        id=execution_id,
        revision=revision or old.revision,
        inputs=old.inputs if inputs is None else inputs,
        outputs=None,
        parent_id=old.id,
        original_id=old.original_id or old.id,
        error=None,
    )
    turn.new.append(NewExecution(execution, runs))


def _below(nodes: Iterable[Node]) -> Iterator[str]:
    stack = list(nodes)
    while stack:
        node = stack.pop()
        yield node.run.id
        stack.extend(node.children.values())


def _open_below(node: Node) -> Iterator[str]:
    """Task runs at and below a node that a worker may have."""
    stack = [node]
    while stack:
        each = stack.pop()
        stack.extend(each.children.values())
        kind = each.plan.kind if each.plan is not None else None
        if kind in (Kind.RUN, Kind.WORKSPACE) and not each.state.is_terminal:
            yield each.run.id


def change_task_run(turn: Turn, event: ChangeTaskRunState) -> None:
    """Override a task run's state; what follows from it runs with the next Begin."""
    live = turn.live
    node = live.node(event.task_run_id)
    state = live.execution.state
    if not (state.is_terminal or state is State.PAUSED):
        raise Conflict(f"The execution is {state}; only an ended or paused one can be changed")
    now = turn.env.now
    run = node.run
    wanted = event.state
    if wanted is State.RUNNING and not node.is_flowable:
        wanted = State.RESTARTED
    if run.attempts and wanted.is_terminal:
        changed = run.attempts[-1].to(wanted, now)
        run = replace(run, attempts=(*run.attempts[:-1], changed))
    rewrite = Rewrite()
    rewrite.rows[run.id] = run.to(wanted, now)
    _revive_above(turn, rewrite, node)
    _drop_branches(turn, rewrite)
    _apply(turn, rewrite)


def change_execution(turn: Turn, event: ChangeExecutionState) -> None:
    """Override the end state of an ended execution."""
    state = turn.live.execution.state
    if not state.is_terminal:
        raise InvalidInput(f"The execution is {state}; only the state of an ended one can be set")
    if not event.state.is_terminal:
        raise InvalidInput(f"An ended execution cannot be set to {event.state}")
    turn.state(event.state)


def go_on(turn: Turn) -> None:
    """Take up every task run of a restarted execution where it stands."""
    live = turn.live
    for node in list(live.nodes.values()):
        state = node.state
        if state is State.RESTARTED:
            turn.queue.append((Step.START, node))
        elif node.run.id in live.looping or state in (State.RETRYING, State.PAUSED):
            rearm(turn, node)
        elif node.is_flowable and state is State.RUNNING and _is_unopened(node):
            open_flowable(turn, node)
            watch_time(turn, node)
        elif node.is_flowable and state.is_running:
            watch_time(turn, node)
            turn.queue.append((Step.LOOK, node))
    turn.queue.append((Step.LOOK, live.root))


def _is_unopened(node: Node) -> bool:
    return not node.children and node.run.history.entered(State.PAUSED) is None
