"""What one batch of events changes, gathered until it is committed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from mainstem.engine.decision import Decision, Finished, Submit, Timer
from mainstem.engine.live import LiveExecution
from mainstem.executor.items import Fresh, Item, Noticed, Told
from mainstem.model.execution import Execution, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.log import LogLine
from mainstem.model.state import History, State
from mainstem.store import executions as rows
from mainstem.store import inbox, jobs, logs, triggers
from mainstem.store.executions import Versioned
from mainstem.store.inbox import ChildLink, StoredTimer
from mainstem.store.jobs import StoredJob
from mainstem.store.logs import StoredMetric
from mainstem.store.together import exchange


@dataclass(slots=True)
class Entry:
    """A cached execution: its index, and what its row looked like when last committed."""

    live: LiveExecution
    version: int
    stored: Execution
    closed: bool = False
    stored_closed: bool = False

    @property
    def id(self) -> str:
        return self.live.execution.id

    def changes_of_state(self) -> list[Execution]:
        """The execution in each state entered since its row was written, the last one as it is."""
        now = self.live.execution
        moments = now.history.moments
        seen = len(self.stored.history.moments)
        passed = (History(moments[:length]) for length in range(seen + 1, len(moments)))
        return [*(replace(now, history=history) for history in passed), now]


@dataclass(slots=True)
class Batch:
    """Rows to write and things to do afterwards."""

    entries: dict[str, Entry] = field(default_factory=dict)
    runs: dict[str, TaskRun] = field(default_factory=dict)
    removed: dict[str, None] = field(default_factory=dict)
    timers: dict[tuple[str, str], StoredTimer] = field(default_factory=dict)
    dropped: dict[tuple[str, str], None] = field(default_factory=dict)
    created: dict[str, Entry] = field(default_factory=dict)
    links: list[ChildLink] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)
    handled: list[int] = field(default_factory=list)
    lines: list[tuple[LogLine, FlowId]] = field(default_factory=list)
    metrics: list[tuple[str, FlowId, Sequence[StoredMetric]]] = field(default_factory=list)
    submits: list[tuple[Entry, Submit]] = field(default_factory=list)
    kept: set[str] = field(default_factory=set)
    cancels: list[str] = field(default_factory=list)
    jobs: dict[str, StoredJob] = field(default_factory=dict)
    ended_jobs: list[tuple[str, int]] = field(default_factory=list)
    moved: dict[str, list[State]] = field(default_factory=dict)
    fresh: list[Fresh] = field(default_factory=list)
    later: list[Item] = field(default_factory=list)

    def absorb(self, entry: Entry, decision: Decision) -> None:
        """Take over the rows of a decision."""
        self.entries[entry.id] = entry
        for run_id in decision.removed:
            self.runs.pop(run_id, None)
            self.removed[run_id] = None
        for run in decision.task_runs:
            self.runs[run.id] = run
            self.removed.pop(run.id, None)
        for timer in decision.timers:
            self.set_timer(entry.id, timer)
        for key in decision.dropped_timers:
            self.timers.pop((entry.id, key), None)
            self.dropped[(entry.id, key)] = None
        flow = entry.live.execution.flow
        self.lines.extend((line, flow) for line in decision.logs)
        self.cancels.extend(decision.cancel)
        if decision.closed:
            entry.closed = True
        elif decision.execution is not None and not decision.execution.state.is_terminal:
            entry.closed = False

    def settle(self, told: Told) -> None:
        """The rows that this event came from go with the batch."""
        if told.timer is not None:
            self.dropped[(told.execution_id, told.timer)] = None
        if told.asked is not None:
            self.handled.append(told.asked)

    def discard(self, item: Item) -> None:
        """As `settle`, for whatever cannot be handled."""
        if isinstance(item, Told):
            self.settle(item)
        elif isinstance(item, Noticed):
            self.handled.append(item.asked)
        event = item.event if isinstance(item, Told) else getattr(item, "finished", None)
        if isinstance(event, Finished):
            self.ended_jobs.append((event.task_run_id, event.attempt))

    def set_timer(self, execution_id: str, timer: Timer) -> None:
        key = (execution_id, timer.key)
        self.dropped.pop(key, None)
        self.timers[key] = StoredTimer(
            execution_id, timer.key, timer.kind.value, timer.at, timer.task_run_id, timer.subject
        )

    def add_new(self, entry: Entry) -> None:
        """An execution to insert together with this batch."""
        self.created[entry.id] = entry
        self.entries[entry.id] = entry

    def changes_of_state(self) -> list[Execution]:
        """Executions that entered other states, as they were in each of them, in order."""
        return [
            execution
            for entry in self.entries.values()
            if entry.id in self.moved
            for execution in entry.changes_of_state()
        ]

    def write(self, tx: Connection, now: datetime, fence: Callable[[Connection], None]) -> None:
        """Write everything; raises Conflict when a row was changed by somebody else."""
        with exchange(tx):
            fence(tx)
            self._write_states(tx)
            inbox.drop_timers(tx, list(self.dropped))
            inbox.set_timers(tx, list(self.timers.values()))
            inbox.handled(tx, self.handled)
            jobs.end(tx, self.ended_jobs)
            jobs.add(tx, [job for job in self.jobs.values() if not self._is_over(job)], now)
            logs.add_lines(tx, self.lines)
        inbox.link_children(tx, self.links)
        inbox.mark_reported(tx, self.reported)
        for execution_id, flow, found in self.metrics:
            logs.add_metrics(tx, execution_id, flow, found)
        self._write_evaluations(tx)

    def _write_states(self, tx: Connection) -> None:
        rows.add(tx, [Versioned(e.live.execution, 1, e.closed) for e in self.created.values()])
        changed = [e for e in self.entries.values() if self._is_changed(e)]
        relabelled = [
            e.live.execution for e in changed if e.live.execution.labels != e.stored.labels
        ]
        rows.save(
            tx, [Versioned(e.live.execution, e.version, e.closed) for e in changed], relabelled
        )
        rows.put_task_runs(tx, list(self.runs.values()), list(self.removed))

    def claims(self) -> list[tuple[str, int]]:
        """Attempts that this process claimed with the batch."""
        return [(job.task_run_id, job.attempt) for job in self.jobs.values() if job.token]

    def _is_over(self, job: StoredJob) -> bool:
        """Whether the attempt need not be made any more, as the same batch ended it."""
        run = self.runs.get(job.task_run_id)
        return job.task_run_id in self.removed or (run is not None and run.state.is_terminal)

    def _write_evaluations(self, tx: Connection) -> None:
        fired = [item.evaluation for item in self.fresh if item.evaluation is not None]
        for evaluation in {item.key: item for item in fired}.values():
            triggers.note(tx, evaluation.key, evaluation)
        triggers.add_evaluations(tx, fired)

    def committed(self) -> None:
        """Note in the cache what the rows look like now."""
        for entry in self.created.values():
            entry.stored, entry.stored_closed = entry.live.execution, entry.closed
        for entry in self.entries.values():
            if self._is_changed(entry):
                entry.version += 1
                entry.stored = entry.live.execution
                entry.stored_closed = entry.closed

    def _is_changed(self, entry: Entry) -> bool:
        return entry.id not in self.created and (
            entry.live.execution is not entry.stored or entry.closed is not entry.stored_closed
        )
