"""The end of a parent: its state, another pass of a loop, or the end of the execution."""

from dataclasses import replace

from mainstem.engine.decision import TimerKind
from mainstem.engine.ending import end_execution
from mainstem.engine.flowing import UNRESOLVED, TaskContext, flowable
from mainstem.engine.node import Branch, Node
from mainstem.engine.outcome import allow, fail, reason
from mainstem.engine.turn import Turn
from mainstem.model.state import State
from mainstem.sdk.flowable import Again, Done, Tally

_UNTROUBLED = frozenset({State.SUCCESS, State.WARNING, State.SKIPPED})


def conclude(turn: Turn, parent: Node, branch: Branch) -> None:
    """Give a parent whose lists are done its end state."""
    if parent.is_root:
        if turn.live.workspace is None:
            end_execution(turn, _with_finals(branch.tally.worst(), branch.finals))
        return
    try:
        verdict = flowable(parent).conclude(TaskContext(turn, parent), branch.tally)
    except Exception as error:  # a plug-in's own code may raise anything
        fail(turn, parent, UNRESOLVED + reason(error))
        return
    if isinstance(verdict, Again):
        _loop(turn, parent, verdict)
        return
    if isinstance(verdict, Done):
        outputs = {**(parent.run.outputs or {}), **verdict.outputs}
        turn.put(parent, replace(parent.run, outputs=outputs))
        verdict = verdict.state
    state = allow(parent.task, _with_finals(verdict, branch.finals))
    if parent.run.id == turn.live.workspace:
        turn.live.verdict = state
    else:
        turn.end(parent, state)


def conclude_killed(turn: Turn, parent: Node) -> None:
    """End a parent that only waited for its children to let go."""
    if parent.is_root:
        end_execution(turn, State.KILLED)
    elif parent.run.id == turn.live.workspace:
        turn.live.verdict = State.KILLED
    else:
        turn.end(parent, State.KILLED)


def _with_finals(state: State, finals: Tally) -> State:
    """A failed `finally` list fails what would have ended well."""
    worst = finals.worst()
    if worst is State.SUCCESS or state not in _UNTROUBLED:
        return state
    return state if worst is State.WARNING and state is State.WARNING else worst


def _loop(turn: Turn, parent: Node, again: Again) -> None:
    turn.put(parent, replace(parent.run, outputs=again.outputs))
    turn.live.looping.add(parent.run.id)
    turn.set_timer(TimerKind.LOOP, parent, turn.env.now + again.after)
