"""Triggers and backfills as JSON, and what is asked of them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from mainstem.api.wire import Json, moment
from mainstem.model.duration import format_duration
from mainstem.model.trigger import (
    BackfillPolicy,
    BackfillState,
    Evaluation,
    PlannedSlot,
    TriggerKey,
    TriggerState,
)
from mainstem.services.backfills import BackfillPlan, NewBackfill, Progress


def _labels(value: object) -> object:
    """Labels as a map, whether they come as one or as a list of keys with values."""
    if not isinstance(value, list):
        return value
    return {
        str(item.get("key")): str(item.get("value")) for item in value if isinstance(item, dict)
    }


_NEVER: Final = "1970-01-01T00:00:00Z"


class _Body(BaseModel):
    model_config = ConfigDict(
        extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True
    )


class BackfillBody(_Body):
    """A backfill to begin or to preview."""

    start: datetime = Field(description="First moment; without offset in the trigger's zone.")
    end: datetime | None = Field(default=None, description="Last moment; left out it is now.")
    policy: BackfillPolicy = Field(
        default=BackfillPolicy.MISSING,
        description="missing: slots without an execution; failed: those and failed ones; all.",
    )
    order: Literal["oldest", "newest"] = Field(default="oldest", description="What runs first.")
    max_active: int = Field(default=1, ge=1, le=1_000, description="Executions at a time.")
    inputs: dict[str, object] = Field(default_factory=dict)
    labels: Annotated[dict[str, str], BeforeValidator(_labels)] = Field(default_factory=dict)

    def wanted(self, key: TriggerKey) -> NewBackfill:
        return NewBackfill(
            key,
            self.start,
            self.end,
            policy=self.policy,
            newest_first=self.order == "newest",
            max_active=self.max_active,
            inputs=self.inputs,
            labels=self.labels,
        )


class TriggerName(_Body):
    """Names a trigger, as the reference's bodies do."""

    namespace: str
    flow_id: str
    trigger_id: str


class SwitchBody(TriggerName):
    """Switches a trigger."""

    disabled: bool


class ReferenceBackfill(BackfillBody):
    """A backfill in the reference's shape, which runs every slot again unless told otherwise."""

    policy: BackfillPolicy = BackfillPolicy.ALL


class TriggerBody(TriggerName):
    """Changes of a trigger."""

    disabled: bool | None = None
    backfill: ReferenceBackfill | None = None


class CreateBackfillBody(TriggerName):
    """A backfill to begin, in the reference's shape."""

    backfill: ReferenceBackfill


def state(item: TriggerState, context: Json) -> Json:
    """How a trigger stands, as newer clients read it."""
    found: Json = {
        "namespace": item.key.flow.namespace,
        "flowId": item.key.flow.id,
        "triggerId": item.key.id,
        "updatedAt": moment(item.evaluated_at or item.last_at or item.next_at) or _NEVER,
        "evaluatedAt": moment(item.evaluated_at),
        "nextEvaluationDate": context.get("nextExecutionDate"),
        "backfill": context.get("backfill"),
        "stopAfter": [each.value for each in item.stop_after] or None,
        "disabled": item.disabled,
        "locked": item.execution_id is not None,
        "lastTriggeredDate": moment(item.last_at),
        "executionId": item.execution_id,
    }
    return {key: value for key, value in found.items() if value is not None}


def trigger(state: TriggerState, progress: Progress | None = None) -> Json:
    """The reference's shape, with our further properties; what is unknown is left out."""
    next_at = state.next_at
    found: Json = {
        "namespace": state.key.flow.namespace,
        "flowId": state.key.flow.id,
        "flowRevision": state.revision,
        "triggerId": state.key.id,
        "type": state.type,
        "kind": state.kind.value,
        "date": moment(state.last_at),
        "executionId": state.execution_id,
        "disabled": state.disabled,
        "sourceDisabled": state.asleep,
        "stopAfter": [item.value for item in state.stop_after] or None,
        "evaluatedAt": moment(state.evaluated_at),
        "outcome": state.outcome.value if state.outcome else None,
        "reason": state.reason,
        "failures": state.failures,
    }
    if progress is not None and progress.backfill.state.is_open:
        found["backfill"] = _reference_backfill(progress, next_at)
        next_at = progress.next_slot or next_at
    found["nextExecutionDate"] = moment(next_at)
    return {key: value for key, value in found.items() if value is not None}


def _reference_backfill(progress: Progress, next_at: datetime | None) -> Json:
    item = progress.backfill
    return {
        "id": item.id,
        "start": moment(item.start),
        "end": moment(item.end),
        "currentDate": moment(progress.next_slot or item.cursor or item.end),
        "paused": item.state is BackfillState.PAUSED,
        "inputs": dict(item.inputs),
        "labels": [{"key": key, "value": value} for key, value in item.labels.items()],
        "previousNextExecutionDate": moment(next_at),
    }


def backfill(progress: Progress) -> Json:
    """A backfill and how far it is."""
    item, counts = progress.backfill, progress.counts
    found: Json = {
        "id": item.id,
        "namespace": item.key.flow.namespace,
        "flowId": item.key.flow.id,
        "triggerId": item.key.id,
        "state": item.state.value,
        "reason": item.reason,
        "start": moment(item.start),
        "end": moment(item.end),
        "policy": item.policy.value,
        "order": "newest" if item.newest_first else "oldest",
        "maxActive": item.max_active,
        "inputs": dict(item.inputs),
        "labels": dict(item.labels),
        "total": item.total,
        "fired": item.fired,
        "skipped": item.skipped,
        "running": counts.running,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "eta": format_duration(progress.eta) if progress.eta is not None else None,
        "nextSlot": moment(progress.next_slot),
        "createdAt": moment(item.created_at),
        "endedAt": moment(item.ended_at),
    }
    return {key: value for key, value in found.items() if value is not None}


def plan(found: BackfillPlan, limit: int) -> Json:
    """What a backfill would do; of many slots only the first are listed."""
    return {
        "start": moment(found.start),
        "end": moment(found.end),
        "total": len(found.slots),
        "runs": found.runs,
        "skips": found.skips,
        "slots": [_slot(item) for item in found.slots[:limit]],
    }


def _slot(item: PlannedSlot) -> Json:
    listed: Mapping[str, object] = {
        "slot": moment(item.slot),
        "runs": item.runs,
        "reason": item.reason,
        "executionId": item.execution_id,
        "state": item.state.value if item.state else None,
    }
    return {key: value for key, value in listed.items() if value is not None}


def evaluation(item: Evaluation) -> Json:
    listed: Mapping[str, object] = {
        "date": moment(item.at),
        "slot": moment(item.slot),
        "outcome": item.outcome.value,
        "reason": item.reason or None,
        "executionId": item.execution_id,
    }
    return {key: value for key, value in listed.items() if value is not None}
