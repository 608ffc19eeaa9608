"""Webhook triggers: a call of a flow's address starts an execution."""

import hmac
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mainstem.bus.inprocess import TRIGGERS
from mainstem.errors import Conflict, MainstemError, NotFound
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.model.light import light
from mainstem.model.trigger import Evaluation, Outcome, TriggerKey, TriggerKind, TriggerState
from mainstem.sdk.flow import Flow
from mainstem.sdk.trigger import WebhookTrigger
from mainstem.services.executions import Done
from mainstem.services.firing import Shot
from mainstem.services.trigger_parts import TriggerParts
from mainstem.services.trigger_scopes import Rendering
from mainstem.store import triggers as rows

_log = logging.getLogger("mainstem.triggers")


@light
@dataclass(frozen=True, slots=True)
class Call:
    """A request as the flow sees it; `body` is a map or list if it was JSON, else text."""

    body: object = None
    headers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    parameters: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def variables(self) -> dict[str, object]:
        return {
            "body": self.body,
            "headers": {name: list(values) for name, values in self.headers.items()},
            "parameters": {name: list(values) for name, values in self.parameters.items()},
        }


@light
@dataclass(frozen=True, slots=True)
class Arrival:
    """A call of a webhook's address, and whom to tell that its execution is stored."""

    flow: FlowId
    key: str
    call: Call
    done: Done


class WebhookService:
    """Finds the webhook of a key and fires it."""

    def __init__(self, parts: TriggerParts) -> None:
        self._parts = parts

    def fire(self, flow_id: FlowId, key: str, call: Call) -> Execution | None:
        """The execution; None when the conditions are false.

        Raises NotFound for an unknown flow or a wrong key alike, InvalidInput for bad inputs.
        """
        parts = self._parts
        flow, trigger, rendering = self._find(flow_id, key)
        name = TriggerKey(flow_id, trigger.id)
        shot = Shot(flow, trigger, call.variables())
        try:
            execution = parts.launcher.prepare_or_refuse(shot, rendering)
            ctx = parts.scopes.condition(flow, shot.roots, execution)
            holds = all(condition.test(ctx) for condition in trigger.conditions)
        except MainstemError as error:
            self._record(Evaluation(name, parts.clock.now(), Outcome.FAILED, error.message))
            raise
        if not holds:
            reason = "the conditions are false"
            self._record(Evaluation(name, parts.clock.now(), Outcome.SKIPPED, reason))
            return None
        fired = Evaluation(
            name, parts.clock.now(), Outcome.FIRED, "called", execution_id=execution.id
        )
        parts.executions.store(execution, fired)
        parts.bus.publish(TRIGGERS)
        return execution

    def fire_quickly(self, arrivals: Sequence[Arrival]) -> list[Execution | None]:
        """As `fire` for calls that came together, without waiting: for an event loop.

        They share one snapshot. `done` of each is called from another thread once its execution
        is stored. None means that nothing was done: something must be rendered, parsed or asked
        first, or the call is to be refused, all of which `fire` does.
        """
        parts = self._parts
        if not parts.database.is_local:
            return [None] * len(arrivals)
        with parts.database.snapshot():
            prepared = [self._prepared(arrival) for arrival in arrivals]
        fired = [
            self._stored(arrival, *ready) if ready is not None else None
            for arrival, ready in zip(arrivals, prepared, strict=True)
        ]
        if any(fired):
            parts.bus.publish(TRIGGERS)
        return fired

    def _prepared(self, arrival: Arrival) -> tuple[TriggerKey, Execution] | None:
        parts = self._parts
        try:
            found = self._literal(arrival.flow, arrival.key)
            if found is None:
                return None
            flow, trigger = found
            shot = Shot(flow, trigger, arrival.call.variables())
            execution = parts.launcher.prepare_or_refuse(shot, parts.scopes.rendering(flow))
        except MainstemError:
            return None
        return TriggerKey(arrival.flow, trigger.id), execution

    def _stored(self, arrival: Arrival, name: TriggerKey, execution: Execution) -> Execution | None:
        parts = self._parts
        fired = Evaluation(
            name, parts.clock.now(), Outcome.FIRED, "called", execution_id=execution.id
        )
        stored = parts.executions.store_soon(execution, fired, arrival.done)
        return execution if stored else None

    def _literal(self, flow_id: FlowId, key: str) -> tuple[Flow, WebhookTrigger] | None:
        """The webhook of a key if it and its flow are plain text throughout."""
        found: tuple[Flow, WebhookTrigger] | None = None
        for state in self._hooks(flow_id):
            flow = self._parts.flows.loaded(flow_id, state.revision)
            if flow is None:
                return None
            trigger = next((item for item in flow.triggers if item.id == state.key.id), None)
            if not isinstance(trigger, WebhookTrigger) or _is_rendered(flow, trigger):
                return None
            if hmac.compare_digest(trigger.key.encode(), key.encode()) and found is None:
                found = (flow, trigger)
        return found

    def _hooks(self, flow_id: FlowId) -> list[TriggerState]:
        known = self._parts.database.once(
            ("triggers", flow_id), lambda tx: rows.of_flow(tx, flow_id)
        )
        return [state for state in known if state.kind is TriggerKind.WEBHOOK and state.is_on]

    def _find(self, flow_id: FlowId, key: str) -> tuple[Flow, WebhookTrigger, Rendering]:
        parts = self._parts
        found: tuple[Flow, WebhookTrigger, Rendering] | None = None
        for state in self._hooks(flow_id):
            flow, trigger = parts.loaded(state)
            if not isinstance(trigger, WebhookTrigger):
                continue
            rendering = parts.scopes.rendering(flow)
            if _is_key(trigger, rendering, key) and found is None:
                found = (flow, trigger, rendering)
        if found is None:
            self._refuse_disabled(flow_id, key)
            raise NotFound("Flow not found")
        return found

    def _refuse_disabled(self, flow_id: FlowId, key: str) -> None:
        """Raises Conflict for who knows the key of a disabled flow; others learn nothing."""
        try:
            flow = self._parts.flows.load(flow_id)
        except MainstemError:
            return
        rendering = self._parts.scopes.rendering(flow)
        hooks = [item for item in flow.triggers if isinstance(item, WebhookTrigger)]
        known = [hook for hook in hooks if _is_key(hook, rendering, key)]
        if flow.disabled and known:
            raise Conflict("Cannot execute a disabled flow")

    def hook_of(self, execution: Execution) -> WebhookTrigger | None:
        """The webhook that fired an execution, which says what its caller is answered."""
        flow = self._parts.flows.load(execution.flow, execution.revision)
        name = execution.trigger.id if execution.trigger else None
        found = next((item for item in flow.triggers if item.id == name), None)
        return found if isinstance(found, WebhookTrigger) else None

    def code_of(self, hook: WebhookTrigger, execution: Execution) -> int:
        """The status that the webhook wants its caller to see; 200 unless it names another."""
        wanted: object = hook.response_code
        if isinstance(wanted, str):
            flow = self._parts.flows.load(execution.flow, execution.revision)
            trigger = execution.trigger.variables if execution.trigger else {}
            roots = {"trigger": trigger, "outputs": execution.outputs or {}}
            try:
                wanted = self._parts.scopes.rendering(flow)(wanted, roots)
            except MainstemError as error:
                _log.warning("a response code cannot be rendered", extra={"reason": error.message})
                return 500
        text = str(200 if wanted is None else wanted).strip()
        is_code = text.isascii() and text.isdigit() and len(text) == 3 and "200" <= text < "600"
        return int(text) if is_code else 500

    def _record(self, evaluation: Evaluation) -> None:
        with self._parts.database.write() as tx:
            rows.note(tx, evaluation.key, evaluation)
            rows.add_evaluations(tx, [evaluation])
        self._parts.bus.publish(TRIGGERS)


def _is_rendered(flow: Flow, trigger: WebhookTrigger) -> bool:
    """Whether a call of the webhook may run expressions or wait, which may take their time."""
    if flow.inputs or trigger.inputs or trigger.conditions or trigger.wait:
        return True
    return "{" in trigger.key or any("{" in text for text in trigger.labels.values())


def _is_key(trigger: WebhookTrigger, rendering: Rendering, key: str) -> bool:
    """Whether the rendered key is the given one, in the same time for any wrong one."""
    try:
        wanted = str(rendering(trigger.key, {}))
    except MainstemError as error:
        _log.warning(
            "the key of a webhook cannot be rendered",
            extra={"trigger": trigger.id, "reason": error.message},
        )
        return False
    return bool(wanted) and hmac.compare_digest(wanted.encode(), key.encode())
