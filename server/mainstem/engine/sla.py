"""Service-level promises of a flow: watched while the execution runs."""

from dataclasses import replace

from mainstem.engine.decision import Timer, TimerKind
from mainstem.engine.ending import abort
from mainstem.engine.outcome import reason
from mainstem.engine.turn import Turn, sla_keys
from mainstem.expr import render, truthy
from mainstem.model.log import Level
from mainstem.model.state import State
from mainstem.sdk.flow import Sla


def watch(turn: Turn) -> None:
    """Set the timers of an execution that begins."""
    execution = turn.live.execution
    keys = sla_keys(turn.live.flow, execution)
    for number, (key, sla) in enumerate(zip(keys, turn.live.flow.sla, strict=True)):
        if sla.type == "MAX_DURATION" and sla.duration is not None:
            due = execution.history.started_at + sla.duration
            turn.timers.append(Timer(key, due, TimerKind.SLA, subject=str(number)))


def duration_passed(turn: Turn, subject: str | None) -> None:
    """The time that a MAX_DURATION promise gives is over."""
    promised = turn.live.flow.sla
    number = int(subject) if subject and subject.isdigit() else -1
    if 0 <= number < len(promised) and not turn.live.execution.state.is_terminal:
        sla = promised[number]
        _violated(turn, sla, f"execution duration of {sla.duration} exceeded")


def check_assertions(turn: Turn) -> None:
    """Evaluate the assertions; the first that does not hold counts."""
    for sla in turn.live.flow.sla:
        if sla.type != "EXECUTION_ASSERTION" or sla.assert_ is None:
            continue
        try:
            holds = truthy(render(sla.assert_, turn.scope(None)))
        except Exception as error:  # hosts of expressions may raise anything
            turn.log(Level.ERROR, f"The SLA '{sla.id}' cannot be evaluated: {reason(error)}")
            continue
        if not holds:
            _violated(turn, sla, f"assertion is false: {sla.assert_}")
            return


def _violated(turn: Turn, sla: Sla, why: str) -> None:
    live = turn.live
    labels = {**live.execution.labels, **sla.labels}
    if labels != live.execution.labels:
        live.labels = None
        live.execution = replace(live.execution, labels=labels)
    if sla.behavior == "NONE":
        return
    failed = sla.behavior == "FAIL"
    verb = "failed" if failed else "cancelled"
    turn.log(Level.ERROR, f"Execution {verb} due to SLA '{sla.id}' violated: {why}")
    abort(turn, State.FAILED if failed else State.CANCELLED)
