"""Retry policies: when the next try of a failed task is due.

Source: SEMANTICS.md section 5. `max_attempt` counts every try, the first included; without it and
without `max_duration` there is no bound. The exponential policy grows with the number of retries
made so far (linear in fact, and its first retry is immediate), as the reference implementation's
tests assert.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class RetryBehavior(StrEnum):
    RETRY_FAILED_TASK = "RETRY_FAILED_TASK"
    CREATE_NEW_EXECUTION = "CREATE_NEW_EXECUTION"


class RetryKind(StrEnum):
    CONSTANT = "constant"
    EXPONENTIAL = "exponential"
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and when a failed task is tried again."""

    kind: RetryKind
    interval: timedelta = timedelta(0)
    max_attempt: int | None = None
    max_duration: timedelta | None = None
    max_interval: timedelta | None = None
    delay_factor: float | None = None
    min_interval: timedelta | None = None
    warning_on_retry: bool = False
    behavior: RetryBehavior = RetryBehavior.RETRY_FAILED_TASK

    def delay(self, attempts: int, chance: float) -> timedelta:
        """Wait after the `attempts`-th try failed; `chance` in [0, 1) decides the random kind."""
        if self.kind is RetryKind.CONSTANT:
            return self.interval
        if self.kind is RetryKind.RANDOM:
            low = self.min_interval or timedelta(0)
            return low + (self.max_interval or low) * chance - low * chance
        factor = int(self.delay_factor) if self.delay_factor is not None else 2
        length = self.interval * factor * (attempts - 1)
        return min(length, self.max_interval) if self.max_interval is not None else length

    def next_try(
        self, attempts: int, *, first_start: datetime, last_end: datetime, chance: float
    ) -> datetime | None:
        """When to try again after `attempts` tries, or None when the policy is exhausted."""
        if self.max_attempt is not None and attempts >= self.max_attempt:
            return None
        due = last_end + self.delay(attempts, chance)
        if self.max_duration is not None and due > first_start + self.max_duration:
            return None
        return due
