"""Log lines of running attempts: masked at once, written in batches, never lost at the end."""

from collections import deque
from datetime import datetime, timedelta

from mainstem.clock import Clock
from mainstem.model.log import Level, LogLine
from mainstem.secrets.mask import Masker
from mainstem.worker.outputs import clean

_LONGEST = 262_144
# A longer message becomes several lines, as in the reference, a millisecond apart.
_PART = 10_240
_STEP = timedelta(milliseconds=1)


class AttemptLog:
    """Collects the lines of one attempt until somebody takes them."""

    def __init__(
        self,
        template: LogLine,
        clock: Clock,
        masker: Masker,
        threshold: Level | None,
    ) -> None:
        self._template = template
        self._clock = clock
        self._masker = masker
        self._threshold = threshold or Level.TRACE
        self._lines: deque[LogLine] = deque()
        self.kept: list[LogLine] | None = None

    def log(self, level: Level, message: str) -> None:
        """Add a line; secrets become stars and an endless line is cut."""
        if level < self._threshold:
            return
        text = self._masker.mask(clean(message).replace("\x00", "�"))
        if len(text) > _LONGEST:
            text = f"{text[:_LONGEST]}… (cut after {_LONGEST} characters)"
        at = self._clock.now()
        if len(text) <= _PART:
            self._add(at, level, text)
            return
        for number, start in enumerate(range(0, len(text), _PART)):
            self._add(at + number * _STEP, level, text[start : start + _PART])

    def _add(self, at: datetime, level: Level, text: str) -> None:
        line = LogLine(
            at=at,
            level=level,
            message=text,
            execution_id=self._template.execution_id,
            task_run_id=self._template.task_run_id,
            task_id=self._template.task_id,
            attempt=self._template.attempt,
        )
        self._lines.append(line)
        if self.kept is not None:
            self.kept.append(line)

    def trace(self, message: str) -> None:
        self.log(Level.TRACE, message)

    def debug(self, message: str) -> None:
        self.log(Level.DEBUG, message)

    def info(self, message: str) -> None:
        self.log(Level.INFO, message)

    def warn(self, message: str) -> None:
        self.log(Level.WARN, message)

    def error(self, message: str) -> None:
        self.log(Level.ERROR, message)

    def take(self) -> list[LogLine]:
        """The lines since the last call."""
        taken: list[LogLine] = []
        try:
            while True:  # others may take at the same time
                taken.append(self._lines.popleft())
        except IndexError:
            return taken
