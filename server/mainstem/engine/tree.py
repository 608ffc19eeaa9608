"""What comes next under a parent: the lists of children and how they are worked off.

A parent (the root of the execution or a flowable task run) works off up to five sections. HOLD
runs while the parent is PAUSED. MAIN holds the lanes of the flowable. When all of MAIN's open
children have ended and one of them FAILED, ERRORS runs; then FINALLY; then the parent is
concluded. Within a section a child that ended in a halting state keeps further children from
being made. AFTER exists at the root alone and runs once the execution has ended.
"""

from mainstem.engine.conclude import conclude, conclude_killed
from mainstem.engine.flowing import UNRESOLVED, lanes_of
from mainstem.engine.node import HALTING, Branch, Node
from mainstem.engine.outcome import fail, is_out_of_time, reason
from mainstem.engine.plan import Kind, Section
from mainstem.engine.turn import Turn
from mainstem.model.state import State
from mainstem.sdk.flowable import FlowableTask, Lane, Lanes, Tally
from mainstem.sdk.task import Task


def settle(turn: Turn, child: Node) -> None:
    """Take note that a child ended and let its parent go on."""
    parent = child.parent
    if parent is None or child.run.dynamic or is_foreign(turn, parent):
        return
    branch = parent.branch
    if branch is None:
        branch = rebuild(turn, parent)
        if branch is None:
            return
    elif not child.settled:
        child.settled = True
        branch.open -= 1
        branch.ended(child)
    look(turn, parent)


def is_foreign(turn: Turn, parent: Node) -> bool:
    """Whether the children are driven elsewhere: by the worker of a WorkingDirectory."""
    plan = parent.plan
    if plan is None or plan.kind is not Kind.WORKSPACE:
        return False
    return parent.run.id != turn.live.workspace


def look(turn: Turn, parent: Node) -> None:
    """Make what can be made now; conclude the parent when nothing is left."""
    live = turn.live
    if live.held or (not parent.is_root and parent.state.is_terminal):
        return
    if _goes_on(parent):
        parent.branch = None
    branch = parent.branch or rebuild(turn, parent)
    if branch is None:
        return
    if is_killing(turn, parent):
        if branch.open == 0:
            conclude_killed(turn, parent)
        return
    while True:
        fill(turn, parent, branch)
        if branch.open or _waits(parent):
            return
        if not enter_next_section(turn, parent, branch):
            if not parent.is_root or branch.section is not Section.AFTER:
                conclude(turn, parent, branch)
            else:
                turn.closed = True
            return


def _waits(parent: Node) -> bool:
    return not parent.is_root and parent.state is State.PAUSED


def _goes_on(parent: Node) -> bool:
    """Whether a pause is over, and so is what ran during it."""
    branch = parent.branch
    if branch is None or branch.section is not Section.HOLD or branch.open:
        return False
    return not _waits(parent)


def is_killing(turn: Turn, parent: Node) -> bool:
    """Whether the parent only waits for its children to let go."""
    state = turn.live.execution.state if parent.is_root else parent.state
    return state is State.KILLING


def fill(turn: Turn, parent: Node, branch: Branch) -> None:
    """Create ready children as far as the limit and earlier failures allow."""
    if branch.halted:
        return
    iteration = _iteration(parent)
    while branch.ready and (not branch.limit or branch.open < branch.limit):
        lane, step = branch.ready.popleft()
        here = branch.lanes[lane]
        number = iteration if here.iteration is None else here.iteration
        node = turn.create(parent, branch.next_task(lane, step), here.value, number)
        node.section, node.lane, node.step = branch.section, lane, step
        branch.open += 1


def _iteration(parent: Node) -> int | None:
    if parent.is_root or not isinstance(parent.task, FlowableTask) or not parent.task.LOOPS:
        return None
    count = (parent.run.outputs or {}).get("iterationCount")
    return count if isinstance(count, int) else None


def enter_next_section(turn: Turn, parent: Node, branch: Branch) -> bool:
    """Go on to the errors or finally list, if that is due; False when nothing is left."""
    errors, finals = branches_of(turn, parent)
    if branch.section is Section.MAIN and errors and branch.tally.has(State.FAILED):
        branch.enter(Section.ERRORS, Lanes([Lane(errors)], 1))
        return bool(branch.ready) or enter_next_section(turn, parent, branch)
    if branch.section < Section.FINALLY and finals:
        branch.enter(Section.FINALLY, Lanes([Lane(finals)], 1))
        return bool(branch.ready)
    return False


def branches_of(turn: Turn, parent: Node) -> tuple[tuple[Task, ...], tuple[Task, ...]]:
    """The errors and finally tasks of a parent."""
    if parent.is_root:
        return turn.live.flow.errors, turn.live.flow.finally_
    task = parent.task
    return (task.error_tasks(), task.finally_) if isinstance(task, FlowableTask) else ((), ())


def section_lanes(turn: Turn, parent: Node, section: Section) -> Lanes:
    """The lanes of one section of a parent."""
    errors, finals = branches_of(turn, parent)
    if section is Section.HOLD and isinstance(parent.task, FlowableTask):
        return Lanes([Lane(parent.task.hold_tasks())], 1)
    if section is Section.ERRORS:
        return Lanes([Lane(errors)], 1)
    if section is Section.FINALLY:
        return Lanes([Lane(finals)], 1)
    if section is Section.AFTER:
        flow = turn.live.flow
        present = {node.run.task_id for node in parent.children.values()}
        listened = [item.tasks for item in flow.listeners if _any_of(item.tasks, present)]
        return Lanes([Lane(tasks) for tasks in (*listened, flow.after_execution) if tasks], 1)
    return lanes_of(turn, parent)


def _any_of(tasks: tuple[Task, ...], present: set[str]) -> bool:
    return any(task.id in present for task in tasks)


def rebuild(turn: Turn, parent: Node) -> Branch | None:
    """Make the cursor of a parent from its children's rows; None when that failed the parent."""
    branch = Branch()
    children = [child for child in parent.children.values() if not child.run.dynamic]
    section = max((child.section for child in children), default=_first_section(parent))
    if section is Section.HOLD and _is_over(parent, children):
        section = Section.MAIN
    over = parent.is_root and turn.live.execution.state.is_terminal
    if over and section is not Section.AFTER:
        return None
    parent.branch = branch
    _tally(branch, children)
    if is_out_of_time(parent):
        branch.tally = Tally({State.FAILED: 1})
    try:
        branch.enter(section, section_lanes(turn, parent, section))
    except Exception as error:  # a plug-in's own code may raise anything
        parent.branch = None
        fail(turn, parent, UNRESOLVED + reason(error))
        return None
    indexed = parent.plan is not None and parent.plan.isolates and section is Section.MAIN
    if section is Section.MAIN:
        branch.halted = any(c.section is Section.HOLD and c.state in HALTING for c in children)
    _replay(branch, [child for child in children if child.section is section], indexed=indexed)
    if section is Section.MAIN and is_out_of_time(parent):
        branch.ready.clear()
    return branch


def _first_section(parent: Node) -> Section:
    task = parent.task if _waits(parent) else None
    holds = isinstance(task, FlowableTask) and task.hold_tasks()
    return Section.HOLD if holds else Section.MAIN


def _is_over(parent: Node, children: list[Node]) -> bool:
    """Whether nothing runs any more of what may run during a pause, and the pause is over."""
    return not _waits(parent) and all(c.state.is_terminal for c in children)


def _tally(branch: Branch, children: list[Node]) -> None:
    for child in children:
        if child.state.is_terminal and child.section in (Section.HOLD, Section.MAIN):
            branch.tally.add(child.state)
        elif child.state.is_terminal and child.section is Section.FINALLY:
            branch.finals.add(child.state)


def _replay(branch: Branch, children: list[Node], *, indexed: bool) -> None:
    """Bring a fresh cursor to where these children say it is."""
    heads: dict[int, Node] = {}
    places = {
        (task.id, lane.value, lane.iteration if indexed else None): (number, step)
        for number, lane in enumerate(branch.lanes)
        for step, task in enumerate(lane.tasks)
    }
    ended: set[str] = set()
    for child in children:
        number = child.run.iteration if indexed else None
        place = places.get((child.run.task_id, child.run.value, number))
        state = child.state
        child.settled = state.is_terminal
        branch.open += not child.settled
        if state.is_terminal and child.section is not Section.AFTER:
            branch.halted |= branch.is_halted_by(child)
        if state.is_terminal:
            ended.add(child.run.task_id)
        if place is None:
            continue
        child.lane, child.step = place
        head = heads.get(child.lane)
        if head is None or head.step <= child.step:
            heads[child.lane] = child
    _make_ready(branch, heads, ended)


def _make_ready(branch: Branch, heads: dict[int, Node], ended: set[str]) -> None:
    branch.ready.clear()
    for task_id in ended:
        for follower in branch.followers.get(task_id, ()):
            branch.needs[follower] -= 1
    for number, lane in enumerate(branch.lanes):
        head = heads.get(number)
        if head is None:
            if not branch.needs.get(number):
                branch.ready.append((number, 0))
        elif (
            head.state.is_terminal and head.state not in HALTING and head.step + 1 < len(lane.tasks)
        ):
            branch.ready.append((number, head.step + 1))
