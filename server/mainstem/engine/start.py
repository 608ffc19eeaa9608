"""The start of a task run: runIf, then handing it to whoever does its work."""

from mainstem.engine.children import request_children
from mainstem.engine.decision import Submit
from mainstem.engine.flowing import open_flowable, watch_time
from mainstem.engine.node import Node
from mainstem.engine.outcome import fail, reason
from mainstem.engine.plan import Kind
from mainstem.engine.turn import Turn
from mainstem.expr import render, truthy
from mainstem.model.state import State


def start(turn: Turn, node: Node) -> None:
    """Hand on a task run that is CREATED or RESTARTED, or skip it."""
    plan = node.plan
    if plan is None:
        return
    if plan.run_if is not None and not node.run.attempts and not _wanted(turn, node, plan.run_if):
        return
    if plan.kind is Kind.RUN or plan.kind is Kind.WORKSPACE:
        submit(turn, node)
    elif plan.kind is Kind.FLOW:
        open_flowable(turn, node)
        watch_time(turn, node)
    else:
        request_children(turn, node)
        watch_time(turn, node)


def submit(turn: Turn, node: Node) -> None:
    """Ask for the next attempt of a task run."""
    assert node.plan is not None
    run = node.run
    turn.submit.append(Submit(run, node.plan.task, len(run.attempts) + 1, node.plan.worker_group))


def _wanted(turn: Turn, node: Node, run_if: str) -> bool:
    try:
        wanted = truthy(render(run_if, turn.scope(node)) if "{" in run_if else run_if)
    except Exception as error:  # hosts of expressions may raise anything
        fail(turn, node, reason(error))
        return False
    if not wanted:
        turn.end(node, State.SKIPPED)
    return wanted
