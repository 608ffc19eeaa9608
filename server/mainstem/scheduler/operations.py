"""Carries on operations on many executions."""

from datetime import datetime

from mainstem.bus.inprocess import OPERATIONS
from mainstem.services.operations import OperationService


class Operations:
    """Does a part of the oldest operation after the other, until none is left."""

    name = "operations"
    interval_seconds = 5.0
    wakes_on = (OPERATIONS,)

    def __init__(self, service: OperationService) -> None:
        self._service = service

    def tick(self, now: datetime) -> None:
        """Returns after each part when others wait, so that a stop need not wait long."""
        while self._service.step(now):
            pass
