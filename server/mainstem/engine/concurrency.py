"""Admission of new executions under a flow's concurrency limit."""

from mainstem.engine.decision import Begin, Enqueued, Rejected
from mainstem.model.state import State
from mainstem.sdk.flow import Concurrency


def admit(concurrency: Concurrency | None, running: int) -> Begin | Enqueued | Rejected:
    """The event for a CREATED execution when `running` others hold a place (RUNNING or PAUSED)."""
    if concurrency is None or running < concurrency.limit:
        return Begin()
    if concurrency.behavior == "QUEUE":
        return Enqueued(running)
    return Rejected(State.CANCELLED if concurrency.behavior == "CANCEL" else State.FAILED)
