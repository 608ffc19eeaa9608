"""The executor's thread: takes events in batches, lets the engine decide, commits, dispatches."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Final

from sqlalchemy import Connection

from mainstem.bus.inprocess import EXECUTIONS, Bus, execution_topic
from mainstem.clock import Clock
from mainstem.errors import Bug, Conflict, LeaseLost, MainstemError, Transient
from mainstem.executor.alarms import Alarms
from mainstem.executor.asked import event_of
from mainstem.executor.batch import Batch
from mainstem.executor.items import (
    Created,
    Fresh,
    Item,
    Noticed,
    Recovered,
    Stop,
    Told,
    Unreadable,
    Wake,
    subject_of,
)
from mainstem.executor.steps import Stepper
from mainstem.model.execution import Execution
from mainstem.model.trigger import Evaluation
from mainstem.services.tickets import TurnedAway
from mainstem.store import inbox
from mainstem.store.database import Database
from mainstem.worker.job import Progress, Report

_log = logging.getLogger("mainstem.executor")

_BATCH: Final = 128
# A batch ends after so many steps: a loop of ten thousand must not hold up everybody else.
_STEPS: Final = 1_000
_INBOX: Final = 1_000
_LOOK_SECONDS: Final = 5.0
_TRIES: Final = 3

# Called within the committing transaction with executions that changed state, once for each state
# that one entered, as it was then; may insert executions of its own and returns them.
Reaction = Callable[[Connection, Sequence[Execution]], Sequence[Execution]]
# Called first in every transaction; raises LeaseLost where another process has taken over.
Fence = Callable[[Connection], None]


class Executor:
    """Owns the cache of open executions; everything else talks to it through its queue."""

    def __init__(
        self, database: Database, stepper: Stepper, alarms: Alarms, clock: Clock, bus: Bus
    ) -> None:
        self._database = database
        self._stepper = stepper
        self._alarms = alarms
        self._clock = clock
        self._bus = bus
        self._queue: SimpleQueue[Item] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._reaction: Reaction = lambda _tx, _moved: ()
        self._ending = threading.Event()
        self._fence: Fence = lambda _tx: None
        self._is_shared = False
        self._returned: Callable[[Report | Progress], None] = lambda _item: None
        # A commit failed, and nobody knows whether it went through.
        self._unsure = False
        self._settled = threading.Condition()
        self._door = threading.Lock()
        self._last_asked = 0
        self._fenced = False
        self.last_tick: datetime | None = None

    def fence(self, fence: Fence) -> None:
        """Have every transaction begin with `fence`; rows say of every attempt who makes it."""
        self._fence = fence
        self._is_shared = True

    def turn_to(self, returned: Callable[[Report | Progress], None]) -> None:
        """Have `returned` called with what was offered and will not be handled."""
        self._returned = returned

    @property
    def is_active(self) -> bool:
        """Whether this process decides about executions now."""
        return self._thread is not None and not self._ending.is_set()

    def react(self, reaction: Reaction) -> None:
        """Have `reaction` called for executions that change state."""
        self._reaction = reaction

    # told from other threads

    def created(self, executions: Sequence[Execution]) -> None:
        for execution in executions:
            self._queue.put(Created(execution))

    def take_in(
        self,
        execution: Execution,
        evaluation: Evaluation | None,
        done: Callable[[Exception | None], None],
    ) -> bool:
        """Insert a prepared execution with the next batch; False when nobody would.

        `done` is called once it is stored, or with what forbade it.
        """
        with self._door:
            if not self.is_active or self._fenced:
                return False
            if self._thread is threading.current_thread():
                return False
            self._queue.put(Fresh(execution, evaluation, done))
            return True

    @property
    def backlog(self) -> int:
        """Events not yet taken."""
        return self._queue.qsize()

    def tell(self, item: Report | Progress) -> None:
        self._queue.put(item)

    def offer(self, item: Report | Progress) -> bool:
        """As `tell`; False when nobody here would handle it."""
        with self._door:
            if not self.is_active or self._fenced:
                return False
            self._queue.put(item)
            return True

    def wake(self) -> None:
        """There is something in the inbox."""
        self._queue.put(Wake())

    def await_settled(self, asked: int, seconds: float) -> bool:
        """Wait until the stored event was handled; False where nobody will in that time.

        Never waits in the executor's own thread.
        """
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return False
        with self._settled:
            return self._settled.wait_for(lambda: self._last_asked >= asked, seconds)

    # life

    def start(self) -> None:
        """Recover what was open, then take events in a thread of its own."""
        self._ending.clear()
        self._fenced = False
        self.recover()
        self._thread = threading.Thread(target=self._run, name="mainstem-executor", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the events already queued."""
        self._ending.set()
        with self._door:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(Stop())
            thread.join()

    def stand_down(self) -> None:
        """End without the events already queued: another process reads them from the rows."""
        self._ending.set()
        with self._door:
            thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            self._queue.put(Stop())
            thread.join()
        self._turn_away(self._left())
        self._queue = SimpleQueue()
        self._stepper.clear()
        self._alarms.clear()
        self.last_tick = None

    def recover(self) -> None:
        """Go on with every open execution as its rows say; what ran is made again."""
        with self._database.read() as tx:
            self._alarms.load(inbox.all_timers(tx))
        for item in self._stepper.recovery():
            self._queue.put(item)
        self._queue.put(Wake())

    def _run(self) -> None:
        stopping = False
        while not stopping:
            items = self._take()
            stopping = any(isinstance(item, Stop) for item in items)
            if self._fenced:
                self._turn_away(items)
                continue
            self.handle(items)
            self.last_tick = self._clock.now()
        self._turn_away(self._left())

    def _left(self) -> list[Item]:
        left: list[Item] = []
        while not self._queue.empty():
            left.append(self._queue.get_nowait())
        return left

    def _turn_away(self, items: Sequence[Item], error: Exception | None = None) -> None:
        """Tell those who gave these items that nothing came of them."""
        for item in items:
            if isinstance(item, Fresh):
                item.done(error or TurnedAway("no executor of this process stored it"))
            elif isinstance(item, (Report, Progress)):
                self._returned(item)

    def _take(self) -> list[Item]:
        """Wait for the first item, then take what else is there, up to a batch."""
        items: list[Item] = []
        try:
            items.append(self._queue.get(timeout=self._patience()))
            while len(items) < _BATCH:
                items.append(self._queue.get_nowait())
        except Empty:
            pass
        return items or [Wake()]

    def _patience(self) -> float:
        due = self._alarms.next_at()
        if due is None:
            return _LOOK_SECONDS
        left = (due - self._clock.now()) / timedelta(seconds=1)
        return min(max(left, 0.0), _LOOK_SECONDS)

    # a batch

    def handle(self, items: Sequence[Item]) -> None:
        """Advance and commit these items; never raises.

        A conflicting write makes it read and try again, and so does a database that is away, for
        as long as it takes. A batch that fails is taken apart, so that one bad item costs its own
        execution only, which ends FAILED.
        """
        self._handle([*(i for i in items if not isinstance(i, Wake)), *self._found(items)])

    def _handle(self, items: Sequence[Item]) -> None:
        conflicts = failures = 0
        while True:
            batch = Batch()
            try:
                self._step(batch, items)
                self._finish(batch)
            except Conflict as error:
                self._stepper.forget(batch, items)
                conflicts += 1
                if conflicts == _TRIES:
                    self._take_apart(items, error)
                    return
            except LeaseLost as error:
                _log.warning("another process has taken over", extra={"reason": error.message})
                self._stepper.forget(batch, items)
                self._fenced = True
                self._turn_away(items)
                return
            except Transient as error:
                self._stepper.forget(batch, items)
                failures += 1
                if self._is_shared:
                    items, self._unsure = self._in_doubt(items, error), True
                    self._queue.put(Wake())
                if not self._patient(error, failures):
                    self._turn_away(items)
                    return
            except Exception as error:
                subjects = [found for item in items if (found := subject_of(item))]
                _log.exception(
                    "a batch failed", extra={"items": len(items), "executions": subjects[:20]}
                )
                self._stepper.forget(batch, items)
                self._take_apart(items, error)
                return
            else:
                return

    def _in_doubt(self, items: Sequence[Item], error: Transient) -> list[Item]:
        """What to try again once the database is back; it may hold the batch already.

        Who waits for a new execution is told: asking for it once more is theirs to decide.
        """
        self._turn_away([item for item in items if isinstance(item, Fresh)], error)
        return [
            Recovered(item.execution.id) if isinstance(item, Created) else item
            for item in items
            if not isinstance(item, Fresh)
        ]

    def _look_again(self) -> None:
        """After a commit in doubt: go on with everything open as its rows say."""
        try:
            self.recover()
            self._unsure = False
        except Transient as error:
            _log.warning("rows cannot be read", extra={"reason": error.message})

    def _patient(self, error: Transient, failures: int) -> bool:
        """Wait before another try; False when the process ends meanwhile, and rows must do."""
        _log.warning("events wait for the database", extra={"reason": error.message})
        return not self._ending.wait(min(2.0**failures / 10, _LOOK_SECONDS))

    def _take_apart(self, items: Sequence[Item], error: Exception) -> None:
        if len(items) > 1:
            for item in items:
                self._handle([item])
            return
        batch = Batch()
        try:
            self._stepper.give_up(batch, items[0], error)
            self._finish(batch)
        except Exception as again:
            _log.exception("an execution could not be given up")
            self._stepper.forget(batch, items)
            self._turn_away(items, again)

    def _finish(self, batch: Batch) -> None:
        if self._stepper.is_idle(batch):
            return
        reactions = self._commit(batch)
        self._dispatch(batch)
        self.created(reactions)
        for fresh in batch.fresh:
            fresh.done(None)
        for item in batch.later:
            self._queue.put(item)

    def _step(self, batch: Batch, items: Sequence[Item]) -> None:
        steps: deque[Item] = deque(items)
        taken = 0
        while steps:
            if taken >= _STEPS:
                batch.later = list(steps)
                return
            taken += 1
            item = steps.popleft()
            try:
                steps.extend(self._stepper.step(batch, item))
            except (Conflict, Transient, LeaseLost):
                raise
            except MainstemError as error:
                self._turn_away([item], error)
                _log.warning(
                    "an event was refused",
                    extra={
                        "event": type(item).__name__,
                        "execution": subject_of(item),
                        "reason": error.message,
                    },
                )

    def _found(self, items: Sequence[Item]) -> list[Item]:
        """What the inbox holds, if somebody said so, and the alarms that have come."""
        found: list[Item] = []
        if self._unsure:
            self._look_again()
        if any(isinstance(item, Wake) for item in items):
            try:
                found.extend(self._asked())
            except Transient as error:
                _log.warning("the inbox cannot be read", extra={"reason": error.message})
        found.extend(self._alarms.due(self._clock.now()))
        return found

    def _asked(self) -> list[Item]:
        with self._database.glance() as tx:
            found = inbox.asked(tx, _INBOX)
        if len(found) == _INBOX:
            self._queue.put(Wake())
        told: list[Item] = []
        for asked in found:
            if asked.kind == inbox.CREATED:
                told.append(Noticed(asked.execution_id, asked.id))
                continue
            try:
                told.append(Told(asked.execution_id, event_of(asked), asked=asked.id))
            except (Bug, KeyError, ValueError):
                _log.exception(
                    "a stored event cannot be read",
                    extra={"event": asked.id, "execution": asked.execution_id},
                )
                told.append(Unreadable(asked.id))
        return told

    def _commit(self, batch: Batch) -> Sequence[Execution]:
        moved = batch.changes_of_state()
        with self._database.write() as tx:
            batch.write(tx, self._clock.now(), self._fence)
            reactions = self._reaction(tx, moved) if moved else ()
        batch.committed()
        with self._settled:
            self._last_asked = max([self._last_asked, *batch.handled])
            self._settled.notify_all()
        return reactions

    def _dispatch(self, batch: Batch) -> None:
        self._alarms.follow(batch.timers, batch.dropped)
        self._stepper.dispatch(batch)
        topics = [execution_topic(entry_id) for entry_id in batch.entries]
        if topics:
            self._bus.publish(EXECUTIONS, *topics)
