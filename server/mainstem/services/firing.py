"""Turning a fired trigger into an execution, in whatever transaction the caller has open."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from mainstem.clock import Clock
from mainstem.errors import InvalidInput, MainstemError
from mainstem.ids import IdSource
from mainstem.model.execution import (
    CORRELATION_ID,
    SYSTEM_LABEL,
    Execution,
    ExecutionTrigger,
)
from mainstem.model.light import light
from mainstem.model.log import Level, LogLine
from mainstem.model.state import EXECUTION_TRANSITIONS, History, State
from mainstem.sdk.flow import Flow
from mainstem.sdk.trigger import FlowTrigger, Trigger
from mainstem.services.executions import ExecutionService, NewRun
from mainstem.services.trigger_scopes import Rendering
from mainstem.store import executions as rows
from mainstem.store import logs
from mainstem.store.executions import Versioned

_log = logging.getLogger("mainstem.triggers")


@light
@dataclass(frozen=True, slots=True)
class Shot:
    """What a trigger fires: its variables, and what a backfill adds."""

    flow: Flow
    trigger: Trigger
    variables: Mapping[str, object]
    inputs: Mapping[str, object] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    system_labels: Mapping[str, str] = field(default_factory=dict)
    execution_id: str | None = None

    @property
    def roots(self) -> dict[str, object]:
        """The root variables that its inputs and labels may use."""
        return {"trigger": self.variables, "schedule": self.variables}


@dataclass(frozen=True, slots=True)
class Fired:
    """An execution to insert; with an `error` it is one that could not even begin."""

    execution: Execution
    error: str | None = None


class Launcher:
    """Prepares executions outside of transactions and inserts them within."""

    def __init__(self, executions: ExecutionService, clock: Clock, ids: IdSource) -> None:
        self._executions = executions
        self._clock = clock
        self._ids = ids

    def prepare(self, shot: Shot, rendering: Rendering) -> Fired:
        """The execution of a shot; one in FAILED when its inputs cannot be had."""
        try:
            return Fired(self._prepared(shot, rendering))
        except MainstemError as error:
            return self.failed(shot, error.message)

    def prepare_or_refuse(self, shot: Shot, rendering: Rendering) -> Execution:
        """As `prepare`, but raises what keeps the execution from being made."""
        return self._prepared(shot, rendering)

    def failed(self, shot: Shot, message: str) -> Fired:
        """An execution that is FAILED from the start, with the reason in its log."""
        now = self._clock.now()
        history = History.begin(now).to(State.FAILED, at=now, table=EXECUTION_TRANSITIONS)
        execution_id = shot.execution_id or self._ids()
        flow = shot.flow
        own = {k: v for k, v in flow.labels.items() if not k.startswith(SYSTEM_LABEL)}
        execution = Execution(
            execution_id,
            flow.flow_id,
            flow.revision or 1,
            history,
            labels={**own, **shot.system_labels, CORRELATION_ID: execution_id},
            trigger=ExecutionTrigger(shot.trigger.id, shot.trigger.type, dict(shot.variables)),
            error=message,
        )
        return Fired(execution, message)

    def insert(self, tx: Connection, fired: Fired) -> None:
        """Store it; `announce` those without an error after the transaction."""
        execution = fired.execution
        if fired.error is None:
            self._executions.insert(tx, [execution])
            return
        rows.add(tx, [Versioned(execution, 1, closed=True)])
        line = LogLine(
            at=execution.history.started_at,
            level=Level.ERROR,
            message=fired.error,
            execution_id=execution.id,
            trigger_id=execution.trigger.id if execution.trigger else None,
        )
        logs.add_lines(tx, [(line, execution.flow)])

    def _prepared(self, shot: Shot, rendering: Rendering) -> Execution:
        trigger, roots = shot.trigger, shot.roots
        given = {
            **_inputs(rendering, trigger.inputs, roots),
            **_inputs(rendering, shot.inputs, roots),
        }
        labels = {
            **rendered_labels(rendering, trigger.labels, roots),
            **rendered_labels(rendering, shot.labels, roots),
            **shot.system_labels,
        }
        execution = self._executions.prepare(
            NewRun(
                shot.flow.flow_id,
                inputs=given,
                labels=labels,
                revision=shot.flow.revision,
                trigger=ExecutionTrigger(trigger.id, trigger.type, dict(shot.variables)),
                id=shot.execution_id,
                trusted_labels=True,
                # As in the reference: a flow that listens is not asked for what it lacks.
                may_lack_inputs=isinstance(trigger, FlowTrigger),
            )
        )
        if "date" in shot.variables:
            return replace(execution, variables={"schedule": dict(shot.variables)})
        return execution


def _inputs(
    rendering: Rendering, inputs: Mapping[str, object], roots: Mapping[str, object]
) -> dict[str, object]:
    if not inputs:
        return {}
    found = rendering(dict(inputs), roots)
    if not isinstance(found, dict):
        raise InvalidInput("the inputs of a trigger must be a map")
    return found


def rendered_labels(
    rendering: Rendering, labels: Mapping[str, str], roots: Mapping[str, object]
) -> dict[str, str]:
    """Labels with their values rendered; one that cannot be rendered is left out."""
    found = {}
    for key, value in labels.items():
        try:
            found[key] = str(rendering(value, roots))
        except MainstemError as error:
            _log.warning("a label is left out", extra={"label": key, "reason": error.message})
    return found
