"""Time limits of groups and subflows; a worker watches those of what it runs alone.

A group that runs out of time has its open children stopped. It gets a FAILED attempt, which is
how its rows say so; its `errors` and `finally` then run as after any other failure.
"""

from collections.abc import Iterator

from mainstem.engine.ending import stop
from mainstem.engine.finish import finish
from mainstem.engine.flowing import TaskContext
from mainstem.engine.node import Node
from mainstem.engine.outcome import close_attempt, is_out_of_time, open_attempt
from mainstem.engine.plan import Kind, Section
from mainstem.engine.turn import Step, Turn
from mainstem.model.duration import format_duration
from mainstem.model.log import Level
from mainstem.model.state import State


def time_passed(turn: Turn, node: Node) -> None:
    """End a node that ran too long, and what it started."""
    if node.state is not State.RUNNING or is_out_of_time(node) or _is_cleaning_up(node):
        return
    limit = node.task.timeout
    assert limit is not None
    text = format_duration(TaskContext(turn, node).property(limit))
    turn.log(Level.ERROR, f"Timeout: the task ran longer than {text}", node)
    stopped = [child for child in _below(node) if not child.state.is_terminal]
    for child in stopped:
        stop(turn, child, State.KILLED)
    assert node.plan is not None
    if node.plan.kind is Kind.FLOW:
        _fail_group(turn, node)
        return
    if node.plan.kind is Kind.CHILDREN:
        turn.kill_children.append(node.run.id)
    else:
        turn.cancel.append(node.run.id)
    finish(turn, node, State.FAILED)


def _fail_group(turn: Turn, node: Node) -> None:
    """Leave the ordinary list as failed; what is left of the group runs."""
    turn.drop_timers(node)
    turn.live.looping.discard(node.run.id)
    run = open_attempt(node.run, turn.env.now)
    turn.put(node, close_attempt(run, State.FAILED, turn.env.now))
    node.branch = None
    turn.queue.append((Step.LOOK, node))


def _is_cleaning_up(node: Node) -> bool:
    """Whether the ordinary tasks are done: `errors` and `finally` are not to be cut off."""
    return any(child.section is not Section.MAIN for child in node.children.values())


def _below(node: Node) -> Iterator[Node]:
    for child in node.children.values():
        yield from _below(child)
        yield child
