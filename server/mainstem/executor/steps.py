"""One step: an item goes to the engine, its decision into the batch, what follows comes back."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mainstem.engine.advance import advance
from mainstem.engine.concurrency import admit
from mainstem.engine.decision import (
    Begin,
    ChildCreated,
    ChildEnded,
    ChildRefused,
    Decision,
    Event,
    Finished,
    KillRequested,
    Lost,
    NewExecution,
    OutputsFile,
    Started,
    SubflowRequest,
    Submit,
    Unqueued,
)
from mainstem.engine.environment import Constants
from mainstem.engine.live import LiveExecution
from mainstem.engine.plan import Kind
from mainstem.engine.workspace import open_workspace
from mainstem.errors import MainstemError
from mainstem.executor.alarms import SCHEDULE
from mainstem.executor.batch import Batch, Entry
from mainstem.executor.capacity import Capacity
from mainstem.executor.items import (
    Created,
    Fresh,
    Item,
    Noticed,
    Recovered,
    Told,
    Unreadable,
    subject_of,
)
from mainstem.executor.parts import StepServices
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level, LogLine
from mainstem.model.state import State
from mainstem.sdk.flow import Flow
from mainstem.sdk.flowable import WorkspaceTask
from mainstem.sdk.task import RunnableTask
from mainstem.services.executions import NewRun
from mainstem.services.reach import Use
from mainstem.storage.uri import parse_uri
from mainstem.store import executions as rows
from mainstem.store import inbox
from mainstem.store.columns import dump_json
from mainstem.store.inbox import ChildLink, StoredTimer
from mainstem.worker.job import Job, Progress, Report
from mainstem.worker.workspace import WorkspaceJob

_log = logging.getLogger("mainstem.executor")


class Stepper:
    """Owns the cache of live executions; used by the executor's thread only."""

    def __init__(self, services: StepServices) -> None:
        self._services = services
        self._entries: dict[str, Entry] = {}
        self._capacity = Capacity()

    @property
    def open_count(self) -> int:
        """How many executions are in memory."""
        return len(self._entries)

    def recovery(self) -> list[Item]:
        """What to look at after a start: every execution that is not closed."""
        with self._services.database.read() as tx:
            ids = rows.open_ids(tx)
            self._capacity.load(rows.holding(tx))
        return [Recovered(execution_id) for execution_id in ids]

    def is_idle(self, batch: Batch) -> bool:
        """Whether the batch has nothing to write and nothing to do."""
        return not (
            batch.entries
            or batch.handled
            or batch.lines
            or batch.dropped
            or batch.metrics
            or batch.ended_jobs
        )

    def forget(self, batch: Batch, items: Iterable[Item]) -> None:
        """Drop what the cache holds of these executions; the rows are read again."""
        for _ in batch.kept:
            self._services.workers.free_place()
        batch.kept.clear()
        if self._services.queue is not None:
            self._services.queue.drop(batch.claims())
        for entry_id in [*batch.entries, *map(subject_of, items)]:
            if entry_id is not None:
                self._entries.pop(entry_id, None)

    def give_up(self, batch: Batch, item: Item, error: Exception) -> None:
        """End the execution of an item that cannot be handled as FAILED, saying why."""
        entry_id = subject_of(item)
        if entry_id is None:
            return
        _log.error(
            "an execution is given up",
            extra={"execution": entry_id, "reason": type(error).__name__},
        )
        batch.discard(item)
        entry = self._take_in(batch, item) if isinstance(item, Fresh) else self._entry(entry_id)
        live, now = entry.live, self._services.now()
        if not live.execution.state.is_terminal:
            live.execution = live.execution.to(State.FAILED, now)
        entry.closed = True
        batch.entries[entry_id] = entry
        batch.moved.setdefault(entry_id, []).append(live.execution.state)
        reason = str(error).partition("\n")[0]  # a database adds the whole row
        text = f"internal error, the execution was given up: {type(error).__name__}: {reason}"
        line = LogLine(at=now, level=Level.ERROR, message=text, execution_id=entry_id)
        batch.lines.append((line, live.execution.flow))
        self._capacity.note(live.execution)

    # steps

    def step(self, batch: Batch, item: Item) -> list[Item]:
        """Handle one item; returns what must follow within the same batch.

        Raises NotFound when its execution is gone.
        """
        match item:
            case Created(execution):
                return self._begin(batch, self._adopt(execution))
            case Fresh(execution):
                return self._begin(batch, self._take_in(batch, item))
            case Told(execution_id, event):
                batch.settle(item)
                entry = self._entry(execution_id)
                if event is None:
                    return self._admit(batch, entry)
                return self._advance(batch, entry, event)
            case Report():
                entry = self._entry(item.execution_id)
                return self._report(batch, entry, item)
            case Progress(execution_id, event, lines):
                entry = self._entry(execution_id)
                batch.lines.extend((line, entry.live.execution.flow) for line in lines)
                return self._advance(batch, entry, event)
            case Unreadable(asked):
                batch.handled.append(asked)
                return []
            case Noticed(execution_id, asked):
                batch.handled.append(asked)
                return self._notice(batch, self._entry(execution_id))
            case Recovered(execution_id):
                return self._recover(batch, self._entry(execution_id))
            case _:
                return []

    def _constants(self, flow: Flow) -> Constants:
        return self._services.constants(flow.namespace)

    def _take_in(self, batch: Batch, item: Fresh) -> Entry:
        entry = self._adopt(item.execution)
        batch.add_new(entry)
        batch.fresh.append(item)
        return entry

    def _adopt(self, execution: Execution) -> Entry:
        known = self._entries.get(execution.id)
        if known is not None:
            return known
        flow = self._services.flows.load(execution.flow, execution.revision)
        live = LiveExecution.load(flow, execution, (), constants=self._constants(flow))
        entry = self._entries[execution.id] = Entry(live, 1, execution)
        return entry

    def _entry(self, execution_id: str) -> Entry:
        known = self._entries.get(execution_id)
        if known is not None:
            return known
        with self._services.database.read() as tx:
            found = rows.get(tx, execution_id)
            runs = rows.task_runs_of(tx, execution_id)
        execution = found.execution
        flow = self._services.flows.load(execution.flow, execution.revision)
        live = LiveExecution.load(flow, execution, runs, constants=self._constants(flow))
        entry = Entry(live, found.version, execution, found.closed, found.closed)
        self._entries[execution_id] = entry
        return entry

    def _begin(self, batch: Batch, entry: Entry) -> list[Item]:
        execution = entry.live.execution
        if self._services.skip(execution):
            _log.warning("an execution is on the skip list", extra={"execution": execution.id})
            self._entries.pop(execution.id, None)
            return []
        due = execution.schedule_at
        if due is not None and due > self._services.now():
            timer = StoredTimer(execution.id, SCHEDULE, SCHEDULE, due)
            batch.timers[(execution.id, SCHEDULE)] = timer
            batch.entries[execution.id] = entry
            return []
        return self._admit(batch, entry)

    def _notice(self, batch: Batch, entry: Entry) -> list[Item]:
        """An execution that another process made, unless it was found otherwise."""
        if entry.live.execution.state is not State.CREATED or entry.live.nodes:
            return []
        return self._begin(batch, entry)

    def _admit(self, batch: Batch, entry: Entry) -> list[Item]:
        execution = entry.live.execution
        if execution.state is not State.CREATED:
            return []
        holding = self._capacity.holding(execution.flow)
        return self._advance(batch, entry, admit(entry.live.flow.concurrency, holding))

    def _advance(self, batch: Batch, entry: Entry, event: Event) -> list[Item]:
        services = self._services
        before = entry.live.execution
        if services.queue is not None and isinstance(event, (Finished, Lost)):
            batch.ended_jobs.append((event.task_run_id, event.attempt))
        decision = advance(entry.live, event, services.environment(services.now()))
        if decision.is_empty:
            return []
        if decision.logs:
            logs = [replace(line, message=services.mask(line.message)) for line in decision.logs]
            decision = replace(decision, logs=tuple(logs))
        batch.absorb(entry, decision)
        follow: list[Item] = []
        after = entry.live.execution
        if after.state is not before.state:
            batch.moved.setdefault(entry.id, []).append(after.state)
            if self._capacity.note(after) and entry.live.flow.concurrency is not None:
                follow.extend(self._unqueue(batch, after.flow))
        follow.extend(self._consequences(batch, entry, decision))
        return follow

    def _consequences(self, batch: Batch, entry: Entry, decision: Decision) -> list[Item]:
        for file in decision.files:
            self._services.storage.put_bytes(parse_uri(file.uri), _file_content(file))
        follow = [self._insert(batch, new) for new in decision.new_executions]
        for request in decision.children:
            follow.extend(self._make_child(batch, entry, request))
        if decision.kill_children_of:
            follow.extend(self._kill_children(batch, entry, decision.kill_children_of))
        for submit in decision.submit:
            follow.extend(self._submit(batch, entry, submit))
        if decision.begin:
            follow.append(Told(entry.id, Begin()))
        if decision.ended:
            follow.extend(self._tell_parent(batch, entry))
        return follow

    def _insert(self, batch: Batch, new: NewExecution) -> Item:
        pinned = self._services.executions.pin(new.execution.variables)
        execution = replace(new.execution, variables=pinned)
        flow = self._services.flows.load(execution.flow, execution.revision)
        live = LiveExecution.load(flow, execution, new.task_runs, constants=self._constants(flow))
        entry = self._entries[execution.id] = Entry(live, 1, execution)
        batch.add_new(entry)
        batch.runs.update((run.id, run) for run in new.task_runs)
        batch.moved.setdefault(entry.id, []).append(execution.state)
        if execution.state is State.CREATED:
            return Created(execution)
        return Told(execution.id, Begin())

    # subflows

    def _make_child(self, batch: Batch, entry: Entry, request: SubflowRequest) -> list[Item]:
        run = NewRun(
            request.flow,
            inputs=request.inputs,
            labels=request.labels,
            revision=request.revision,
            trigger=request.trigger,
            schedule_at=request.schedule_at,
            id=request.execution_id,
            trusted_labels=True,
        )
        own, other = entry.live.execution.flow.namespace, request.flow.namespace
        try:
            self._services.reach.check(own, other, Use.RUN_FLOW)
            child = self._services.executions.prepare(run)
        except MainstemError as error:
            refused = ChildRefused(
                request.task_run_id, request.execution_id, error.message, request.iteration
            )
            return [Told(entry.id, refused)]
        child_entry = self._adopt(child)
        batch.add_new(child_entry)
        batch.moved.setdefault(child.id, []).append(child.state)
        batch.links.append(
            ChildLink(
                child.id,
                entry.id,
                request.task_run_id,
                request.iteration,
                request.wait,
                request.wants_variables,
            )
        )
        made = ChildCreated(request.task_run_id, child.id, request.iteration)
        return [Told(entry.id, made), Created(child)]

    def _link_of(self, batch: Batch, execution_id: str) -> ChildLink | None:
        if execution_id in batch.reported:
            return None
        for link in batch.links:
            if link.execution_id == execution_id:
                return link
        with self._services.database.glance() as tx:
            return inbox.link_of(tx, execution_id)

    def _tell_parent(self, batch: Batch, entry: Entry) -> list[Item]:
        execution = entry.live.execution
        if execution.trigger is None or not execution.trigger.variables.get("executionId"):
            return []
        link = self._link_of(batch, execution.id)
        if link is None:
            return []
        batch.reported.append(execution.id)
        return [Told(link.parent_id, self._ending(link, execution))]

    def _kill_children(self, batch: Batch, entry: Entry, task_runs: Sequence[str]) -> list[Item]:
        wanted = set(task_runs)
        with self._services.database.read() as tx:
            links = inbox.unreported_children(tx, entry.id)
        links += [link for link in batch.links if link.parent_id == entry.id]
        children = {link.execution_id for link in links if link.task_run_id in wanted}
        return [Told(child, KillRequested()) for child in sorted(children)]

    def _unqueue(self, batch: Batch, flow: FlowId) -> list[Item]:
        with self._services.database.read() as tx:
            stored = rows.oldest_queued(tx, flow, 50)
        in_batch = [
            e.live.execution.id
            for e in batch.entries.values()
            if e.live.execution.flow == flow and e.live.execution.state is State.QUEUED
        ]
        for candidate in dict.fromkeys([*stored, *in_batch]):
            entry = self._entry(candidate)
            limit = entry.live.flow.concurrency
            if entry.live.execution.state is not State.QUEUED:
                continue
            if limit is not None and self._capacity.holding(flow) >= limit.limit:
                return []
            return [Told(candidate, Unqueued())]
        return []

    # work

    def _submit(self, batch: Batch, entry: Entry, submit: Submit) -> list[Item]:
        if isinstance(submit.task, RunnableTask) and submit.task.runs_here:
            return [self._services.workers.run_inline(self._job(entry, submit, submit.task))]
        run_id = submit.task_run.id
        if self._services.queue is not None:
            job = self._services.queue.job_for(entry.live.execution, submit)
            batch.jobs[run_id] = job
            if job.token is None:
                return []
            is_begun = True
        else:
            is_begun = isinstance(submit.task, RunnableTask) and self._services.workers.keep_place()
        batch.submits.append((entry, submit))
        if not is_begun:
            return []
        # Recorded as running with this batch, as a thread waits for it: that saves the worker's
        # word and its commit, and no attempt runs unrecorded.
        batch.kept.add(run_id)
        return [Told(entry.id, Started(run_id, submit.attempt, self._services.now()))]

    def _job(
        self, entry: Entry, submit: Submit, task: RunnableTask, *, is_begun: bool = False
    ) -> Job:
        live = entry.live
        return Job(
            live.flow,
            live.execution,
            task,
            submit.task_run,
            submit.attempt,
            # What runs here and now reads the index itself; a copy would cost as much as it holds.
            live.variables_for(submit.task_run.id, detached=not task.runs_here),
            is_begun=is_begun,
        )

    def _report(self, batch: Batch, entry: Entry, report: Report) -> list[Item]:
        execution = entry.live.execution
        batch.entries.setdefault(entry.id, entry)
        batch.lines.extend((line, execution.flow) for line in report.lines)
        if report.metrics:
            batch.metrics.append((execution.id, execution.flow, report.metrics))
        return self._advance(batch, entry, report.finished)

    def dispatch(self, batch: Batch) -> None:
        """Hand out what the committed batch asked for, and forget closed executions."""
        workers = self._services.workers
        for entry, submit in batch.submits:
            node, run_id = entry.live.nodes.get(submit.task_run.id), submit.task_run.id
            is_begun = run_id in batch.kept
            if node is None or node.state.is_terminal:
                if is_begun:
                    workers.free_place()
                    batch.ended_jobs.append((run_id, submit.attempt))
                continue
            if self._services.queue is not None:
                self._services.queue.begin(run_id, submit.attempt)
            if isinstance(submit.task, RunnableTask):
                workers.submit(self._job(entry, submit, submit.task, is_begun=is_begun))
            elif isinstance(submit.task, WorkspaceTask):
                local = open_workspace(entry.live, run_id)
                workers.submit_workspace(WorkspaceJob(local, submit, submit.task))
        self._dispatch_jobs(batch)
        for entry in batch.entries.values():
            if entry.closed or entry.live.execution.state is State.QUEUED:
                self._entries.pop(entry.id, None)

    def _dispatch_jobs(self, batch: Batch) -> None:
        queue = self._services.queue
        if queue is None:
            for task_run_id in batch.cancels:
                self._services.workers.cancel(task_run_id)
            return
        queue.drop(batch.ended_jobs)
        if batch.cancels:
            queue.cancel(batch.cancels)
        if any(job.token is None for job in batch.jobs.values()):
            queue.announce()

    def clear(self) -> None:
        """Forget everything: another process goes on, or this one from the rows."""
        self._entries.clear()
        self._capacity = Capacity()

    # recovery

    def _recover(self, batch: Batch, entry: Entry) -> list[Item]:
        """Go on with an execution found open: begin it, make lost attempts again."""
        execution = entry.live.execution
        runs = list(entry.live.task_runs)
        if execution.state is State.QUEUED:
            self._entries.pop(entry.id, None)
            return self._unqueue(batch, execution.flow)
        if execution.state is State.CREATED and not runs:
            return self._begin(batch, entry)
        if execution.state is State.RESTARTED or (execution.state is State.RUNNING and not runs):
            return [Told(entry.id, Begin()), *self._ended_children(batch, entry)]
        follow: list[Item] = []
        queue = self._services.queue
        known = queue.known(entry.id) if queue is not None else {}
        batch.cancels.extend(r.id for r in runs if r.id in known and r.state is State.KILLING)
        for run in runs:
            node = entry.live.nodes[run.id]
            if run.id in known:
                batch.entries.setdefault(entry.id, entry)
                continue
            if node.plan is None or node.plan.kind not in (Kind.RUN, Kind.WORKSPACE):
                continue
            if run.state in (State.RUNNING, State.KILLING):
                attempt = len(run.attempts)
                follow.append(Told(entry.id, Lost(run.id, attempt, self._services.now())))
            elif run.state.is_created:
                submit = Submit(run, node.plan.task, len(run.attempts) + 1, node.plan.worker_group)
                follow.extend(self._submit(batch, entry, submit))
                batch.entries.setdefault(entry.id, entry)
        follow.extend(self._ended_children(batch, entry))
        return follow

    def _ended_children(self, batch: Batch, entry: Entry) -> list[Item]:
        with self._services.database.read() as tx:
            links = inbox.unreported_children(tx, entry.id)
            children = [(link, rows.get(tx, link.execution_id).execution) for link in links]
        ended = [(link, child) for link, child in children if child.state.is_terminal]
        batch.reported.extend(child.id for _, child in ended)
        return [Told(entry.id, self._ending(link, child)) for link, child in ended]

    def _ending(self, link: ChildLink, child: Execution) -> ChildEnded:
        variables = None
        if link.wants_variables:
            variables = dict(self._entry(child.id).live.variables_for(None))
        return ChildEnded(
            link.task_run_id, child.id, child.state, child.outputs, link.iteration, variables
        )


def _file_content(file: OutputsFile) -> bytes:
    outputs = file.outputs
    if isinstance(outputs, Mapping):
        return dump_json(outputs).encode()
    return "".join(f"{dump_json(row)}\n" for row in outputs).encode()
