"""Retries: when a failed attempt is made again, in this execution or in a new one."""

from dataclasses import replace
from datetime import datetime

from mainstem.engine.decision import NewExecution, TimerKind
from mainstem.engine.ending import end_execution, stop
from mainstem.engine.node import Node
from mainstem.engine.plan import Kind
from mainstem.engine.turn import Step, Turn
from mainstem.model.execution import Attempt, Execution, TaskRun
from mainstem.model.retry import RetryBehavior, RetryPolicy
from mainstem.model.state import History, State
from mainstem.sdk.flowable import ExecutableTask


def counted_attempts(run: TaskRun) -> list[Attempt]:
    """Attempts that a retry policy counts: since the last restart, lost ones left out."""
    moments = run.history.moments
    since = next((m.at for m in reversed(moments) if m.state is State.RESTARTED), None)
    return [
        attempt
        for attempt in run.attempts
        if attempt.history.current is not State.KILLED
        and (since is None or attempt.history.started_at >= since)
    ]


def tries(run: TaskRun) -> int:
    """How often the task was tried since it was last restarted."""
    return len(counted_attempts(run)) if len(run.attempts) > 1 else len(run.attempts)


def retry_later(turn: Turn, node: Node, run: TaskRun) -> bool:
    """Put a failed task run on RETRYING if its policy has a try left."""
    policy = _policy(node)
    if policy is None:
        return False
    due = _due(turn, policy, run)
    if due is None:
        return False
    turn.put(node, run.to(State.RETRYING, turn.env.now))
    turn.set_timer(TimerKind.RETRY, node, due)
    return True


def _policy(node: Node) -> RetryPolicy | None:
    plan = node.plan
    if plan is None or plan.retry is None or plan.kind is Kind.WORKSPACE:
        return None
    if isinstance(plan.task, ExecutableTask) and not plan.task.RETRIES:
        return None
    return plan.retry


def _due(turn: Turn, policy: RetryPolicy, run: TaskRun) -> datetime | None:
    now = turn.env.now
    attempts = counted_attempts(run)
    last_end = (attempts[-1].history.ended_at if attempts else None) or now
    if policy.behavior is RetryBehavior.CREATE_NEW_EXECUTION:
        execution = turn.live.execution
        return policy.next_try(
            execution.attempt,
            first_start=_first_created(turn, execution),
            last_end=last_end,
            chance=turn.env.chance(),
        )
    return policy.next_try(
        len(attempts),
        first_start=attempts[0].history.started_at if attempts else now,
        last_end=last_end,
        chance=turn.env.chance(),
    )


def _first_created(turn: Turn, execution: Execution) -> datetime:
    if execution.original_id is None or execution.original_id == execution.id:
        return execution.history.started_at
    return turn.env.created_at(execution.original_id) or execution.history.started_at


def retry_now(turn: Turn, node: Node) -> None:
    """The time of a retry has come."""
    if node.state is not State.RETRYING:
        return
    policy = _policy(node)
    if policy is not None and policy.behavior is RetryBehavior.CREATE_NEW_EXECUTION:
        _in_new_execution(turn, node)
        return
    turn.move(node, State.CREATED)
    turn.queue.append((Step.START, node))


def _in_new_execution(turn: Turn, node: Node) -> None:
    above: Node | None = node
    while above is not None and not above.is_root:
        turn.move(above, State.RETRIED)
        above = above.parent
    for other in list(turn.live.nodes.values()):
        if not other.state.is_terminal:
            stop(turn, other, State.KILLED)
    turn.queue.clear()
    old = turn.live.execution
    new = replace(
        old,
        id=turn.env.ids(),
        history=History.begin(turn.env.now),
        outputs=None,
        parent_id=old.id,
        original_id=old.original_id or old.id,
        attempt=old.attempt + 1,
        error=None,
    )
    turn.new.append(NewExecution(new))
    end_execution(turn, State.RETRIED)
