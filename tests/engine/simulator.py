"""A seeded adversary: random flows, random results, and everything that can go wrong between.

`Simulation` plays executor and workers against the engine with rows as the only truth. At every
step the seed picks what happens next: an attempt starts, ends somehow or loses its worker, a
timer rings, an old event comes again, the executor crashes before or after its commit, a user
pauses, resumes or kills.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from mainstem.engine.advance import advance
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
    PauseRequested,
    ResumeRequested,
    Started,
    SubflowRequest,
    Submit,
    Timer,
)
from mainstem.engine.environment import Environment
from mainstem.engine.live import LiveExecution
from mainstem.errors import MainstemError
from mainstem.ids import seeded_ids
from mainstem.model.execution import Execution, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.state import (
    EXECUTION_TRANSITIONS,
    TASK_RUN_TRANSITIONS,
    History,
    State,
)
from mainstem.sdk.flow import Flow
from mainstem.sdk.flowable import FlowableTask
from mainstem.sdk.registry import Registry
from tests.engine.tasks import FLOW, Spec, flow, flowable, ok, registry

START = datetime(2024, 1, 1, tzinfo=UTC)
_REGISTRY: Registry = registry()


class FlowMaker:
    """Random flows: every flowable, errors and finally lists, retries, allowances."""

    def __init__(self, random: Random, budget: int = 24) -> None:
        self.random = random
        self.budget = budget
        self.count = 0

    def flow(self) -> Flow:
        random = self.random
        more: Spec = {}
        if random.random() < 0.3:
            more["errors"] = self.tasks(2, 1)
        if random.random() < 0.3:
            more["finally"] = self.tasks(2, 1)
        if random.random() < 0.15:
            more["afterExecution"] = self.tasks(2, 1)
        if random.random() < 0.2:
            more["retry"] = self.retry()
        return Flow.model_validate(flow(*self.tasks(4, 3), **more), context={"registry": _REGISTRY})

    def tasks(self, most: int, depth: int) -> list[Spec]:
        return [self.task(depth) for _ in range(self.random.randint(1, most))]

    def task(self, depth: int) -> Spec:
        self.count += 1
        self.budget -= 1
        name = f"t{self.count}"
        spec: Spec
        if depth <= 0 or self.budget <= 0 or self.random.random() < 0.45:
            spec = ok(name)
            if self.random.random() < 0.2:
                spec["retry"] = self.retry()
        else:
            spec = self.random.choice(_KINDS)(self, name, depth - 1)
            if self.random.random() < 0.15:
                spec.setdefault("timeout", f"PT{self.random.randint(1, 4)}S")
        return {**spec, **self.common()}

    def common(self) -> Spec:
        random = self.random
        found: Spec = {}
        if random.random() < 0.06:
            found["disabled"] = True
        if random.random() < 0.1:
            found["runIf"] = random.choice(["true", "false", "{{ 1 == 1 }}", "{{ broken }}"])
        if random.random() < 0.12:
            found["allowFailure"] = True
        if random.random() < 0.06:
            found["allowWarning"] = True
        return found

    def retry(self) -> Spec:
        kind = self.random.choice(["constant", "exponential"])
        spec: Spec = {"type": kind, "interval": "PT1S", "maxAttempt": self.random.randint(1, 3)}
        return spec | ({"maxInterval": "PT5S"} if kind == "exponential" else {})

    def branches(self) -> Spec:
        found: Spec = {}
        if self.random.random() < 0.3:
            found["errors"] = self.tasks(2, 0)
        if self.random.random() < 0.2:
            found["finally"] = self.tasks(2, 0)
        return found

    def values(self) -> list[str]:
        return [str(number) for number in range(self.random.randint(0, 4))]

    def some(self, depth: int) -> list[Spec]:
        return self.tasks(4, depth)


def _listed(kind: str) -> Callable[[FlowMaker, str, int], Spec]:
    return lambda m, name, depth: flowable(kind, name, *m.some(depth), **m.branches())


def _parallel(m: FlowMaker, name: str, depth: int) -> Spec:
    limit = m.random.choice([0, 1, 2])
    return flowable("Parallel", name, *m.some(depth), concurrent=limit, **m.branches())


def _for_each(m: FlowMaker, name: str, depth: int) -> Spec:
    more = {"values": m.values(), "concurrencyLimit": m.random.choice([0, 1, 2])}
    return flowable("ForEach", name, *m.some(depth), **more, **m.branches())


def _each(kind: str) -> Callable[[FlowMaker, str, int], Spec]:
    return lambda m, name, depth: flowable(
        kind, name, *m.some(depth), value=m.values(), **m.branches()
    )


def _dag(m: FlowMaker, name: str, depth: int) -> Spec:
    listed = m.some(depth)
    tasks = []
    for number, task in enumerate(listed):
        earlier = [each["id"] for each in listed[:number]]
        wanted = [each for each in earlier if m.random.random() < 0.5]
        tasks.append({"task": task, "dependsOn": wanted})
    return flowable("Dag", name, tasks=tasks, concurrent=m.random.choice([0, 1]))


def _if(m: FlowMaker, name: str, depth: int) -> Spec:
    condition = m.random.choice(["true", "false", "{{ broken }}"])
    return {"id": name, "type": f"{FLOW}If", "condition": condition, "then": m.some(depth)}


def _switch(m: FlowMaker, name: str, depth: int) -> Spec:
    cases = {"a": m.some(depth)}
    return flowable("Switch", name, value=m.random.choice(["a", "b"]), cases=cases)


def _pause(m: FlowMaker, name: str, depth: int) -> Spec:
    more: Spec = m.random.choice([{"delay": "PT3S"}, {"timeout": "PT3S"}, {}])
    if m.random.random() < 0.4:
        more["onPause"] = m.some(0)[0]
    return flowable("Pause", name, *m.some(0), **more)


def _loop(m: FlowMaker, name: str, depth: int) -> Spec:
    limit = {"maxIterations": m.random.randint(1, 2), "interval": "PT1S"}
    condition = m.random.choice(["true", "false"])
    return flowable("LoopUntil", name, *m.some(0), condition=condition, checkFrequency=limit)


def _isolated(m: FlowMaker, name: str, depth: int) -> Spec:
    more: Spec = {"values": [*m.values(), "0"], "concurrencyLimit": m.random.randint(0, 2)}
    if m.random.random() < 0.4:
        more["transmitFailed"] = False
    if m.random.random() < 0.3:
        more["breakWhen"] = "{{ item.index == 1 }}"
    return flowable("Loop", name, *m.some(depth), **more, **m.branches())


def _subflow(m: FlowMaker, name: str, depth: int) -> Spec:
    return flowable("Subflow", name, namespace="tests", flowId="x", wait=m.random.random() < 0.8)


_KINDS: list[Callable[[FlowMaker, str, int], Spec]] = [
    _listed("Sequential"),
    _listed("AllowFailure"),
    _parallel,
    _for_each,
    _each("EachSequential"),
    _each("EachParallel"),
    _dag,
    _if,
    _switch,
    _pause,
    _loop,
    _isolated,
    _subflow,
]

_RESULTS = [State.SUCCESS] * 12 + [State.FAILED] * 4 + [State.WARNING] * 2 + [State.KILLED]


@dataclass
class Rows:
    """What a crash does not lose."""

    execution: Execution
    runs: dict[str, TaskRun] = field(default_factory=dict)
    closed: bool = False


class Simulation:
    """One execution under attack; `run` ends with a closed execution or an error."""

    def __init__(self, parsed: Flow, random: Random, *, faults: bool = True) -> None:
        self.flow = parsed
        self.random = random
        self.faults = faults
        self.now = START
        self.ids = seeded_ids(str(random.random()))
        self.rows = Rows(Execution("e", FlowId("tests", "flow"), 1, History.begin(START)))
        self.live = self.load()
        self.submitted: list[Submit] = []
        self.running: list[Submit] = []
        self.timers: dict[str, Timer] = {}
        self.children: dict[str, SubflowRequest] = {}
        self.past: list[Event] = []
        self.attempts: set[tuple[str, int]] = set()
        self.ends = 0
        self.was_killed = False
        self.begin_due = True
        self.largest = 0
        self.events = 0

    def load(self) -> LiveExecution:
        ordered = sorted(self.rows.runs.values(), key=lambda run: run.position)
        return LiveExecution.load(self.flow, self.rows.execution, ordered)

    def environment(self) -> Environment:
        return Environment(self.now, ids=self.ids, chance=self.random.random, lost_attempts=2)

    def tell(self, event: Event) -> None:
        """Advance and commit, now and then with a crash on either side of the commit."""
        self.events += 1
        if self.faults and self.random.random() < 0.03:
            advance(self.live, event, self.environment())
            self.live = self.load()
        self.now += timedelta(milliseconds=self.random.randint(0, 20))
        decision = advance(self.live, event, self.environment())
        self.commit(event, decision)
        if self.faults and self.random.random() < 0.05:
            self.live = self.load()
        self.past.append(event)

    def commit(self, event: Event, decision: Decision) -> None:
        rows = self.rows
        if decision.execution is not None:
            rows.execution = decision.execution
        for removed in decision.removed:
            rows.runs.pop(removed, None)
        for run in decision.task_runs:
            rows.runs[run.id] = run
        self.largest = max(self.largest, len(decision.task_runs))
        for key in decision.dropped_timers:
            self.timers.pop(key, None)
        self.timers.update((timer.key, timer) for timer in decision.timers)
        for submit in decision.submit:
            token = (submit.task_run.id, submit.attempt)
            assert token not in self.attempts, f"{submit.task.id} is submitted twice: {token}"
            self.attempts.add(token)
        gone = {*decision.cancel, *decision.removed}
        self.submitted = [s for s in self.submitted if s.task_run.id not in gone]
        self.submitted.extend(decision.submit)
        self.children.update((child.execution_id, child) for child in decision.children)
        self.begin_due |= decision.begin
        self.ends += decision.ended
        rows.closed |= decision.closed
        self._kill_children(decision)
        self._let_go(decision)

    def _kill_children(self, decision: Decision) -> None:
        for child_id, request in list(self.children.items()):
            if request.task_run_id in decision.kill_children_of:
                del self.children[child_id]
                ended = ChildEnded(request.task_run_id, child_id, State.KILLED)
                self.submitted.append(_Later(ended))  # type: ignore[arg-type]

    def _let_go(self, decision: Decision) -> None:
        for submit in list(self.running):
            if submit.task_run.id in decision.cancel:
                self.running.remove(submit)
                killed = Finished(submit.task_run.id, submit.attempt, State.KILLED, self.now)
                self.submitted.append(_Later(killed))  # type: ignore[arg-type]

    # what happens next

    def run(self, most: int = 3000) -> None:
        for _ in range(most):
            if self.begin_due:
                self.begin_due = False
                self.tell(Begin())
                continue
            if self.rows.closed and not (self.submitted or self.running):
                break
            if not self.step():
                break
        self.verify()

    def step(self) -> bool:
        choices: list[Callable[[], None]] = []
        if self.submitted:
            choices += [self.start] * 4
        if self.running:
            choices += [self.finish] * 4
        if self.children:
            choices += [self.end_child] * 2
        if self.timers:
            choices.append(self.ring)
        if not choices:
            return self.unblock()
        if self.faults:
            choices += self.mischief()
        self.random.choice(choices)()
        return True

    def mischief(self) -> list[Callable[[], None]]:
        found: list[Callable[[], None]] = []
        if self.past and self.random.random() < 0.3:
            found.append(self.repeat)
        if self.running and self.random.random() < 0.2:
            found.append(self.lose)
        if self.random.random() < 0.02:
            found.append(self.kill)
        if self.random.random() < 0.03:
            found.append(self.hold)
        return found

    def start(self) -> None:
        submit = self.submitted.pop(self.random.randrange(len(self.submitted)))
        if isinstance(submit, _Later):
            self.tell(submit.event)
            return
        self.running.append(submit)
        if self.random.random() < 0.8:
            self.tell(Started(submit.task_run.id, submit.attempt, self.now))

    def finish(self) -> None:
        submit = self.running.pop(self.random.randrange(len(self.running)))
        state = self.random.choice(_RESULTS)
        outputs = {"n": self.events} if self.random.random() < 0.5 else None
        done = Finished(
            submit.task_run.id, submit.attempt, state, self.now, outputs, started_at=self.now
        )
        self.tell(done)

    def lose(self) -> None:
        submit = self.running.pop(self.random.randrange(len(self.running)))
        self.tell(Lost(submit.task_run.id, submit.attempt, self.now))
        if self.random.random() < 0.5:
            late = Finished(submit.task_run.id, submit.attempt, State.SUCCESS, self.now)
            self.tell(late)

    def end_child(self) -> None:
        child_id = self.random.choice(list(self.children))
        request = self.children.pop(child_id)
        if self.random.random() < 0.15:
            self.tell(ChildRefused(request.task_run_id, child_id, "refused"))
            return
        self.tell(ChildCreated(request.task_run_id, child_id))
        state = self.random.choice(_RESULTS)
        self.tell(ChildEnded(request.task_run_id, child_id, state, {"o": 1}))

    def ring(self) -> None:
        timer = min(self.timers.values(), key=lambda each: (each.at, each.key))
        del self.timers[timer.key]
        self.now = max(self.now, timer.at)
        self.tell(timer.rang())

    def repeat(self) -> None:
        event = self.random.choice(self.past)
        if not isinstance(event, (KillRequested, PauseRequested, ResumeRequested)):
            self.tell(event)

    def kill(self) -> None:
        self.was_killed = True
        self.tell(KillRequested())

    def hold(self) -> None:
        try:
            self.tell(PauseRequested())
        except MainstemError:
            return

    def unblock(self) -> bool:
        """Nothing moves by itself: a user resumes."""
        paused = any(run.state is State.PAUSED for run in self.rows.runs.values())
        if self.rows.execution.state is not State.PAUSED and not paused:
            return False
        self.tell(ResumeRequested())
        return True

    # what must hold in the end

    def verify(self) -> None:
        execution = self.rows.execution
        assert execution.state.is_terminal, f"the execution stays {execution.state}"
        assert self.rows.closed, "the execution is never closed"
        assert self.ends == 1, f"the execution ended {self.ends} times"
        _legal(execution.history, EXECUTION_TRANSITIONS)
        for run in self.rows.runs.values():
            assert run.state.is_terminal, f"{run.task_id} stays {run.state}"
            _legal(run.history, TASK_RUN_TRANSITIONS)
            for number, attempt in enumerate(run.attempts, start=1):
                assert attempt.number == number
                assert attempt.history.current.is_terminal, f"{run.task_id}: open attempt"
        if not self.was_killed:
            self._verify_lists()
        self._verify_index()

    def _verify_lists(self) -> None:
        parents: dict[str | None, list[TaskRun]] = {}
        for run in self.rows.runs.values():
            parents.setdefault(run.parent_id, []).append(run)
        for parent_id, runs in parents.items():
            if parent_id is not None and self._was_stopped(parent_id):
                continue
            task = self.flow.task(self.rows.runs[parent_id].task_id) if parent_id else self.flow
            given = task.error_tasks() if isinstance(task, FlowableTask) else self.flow.errors
            errors = [each for each in _enabled(given)]
            names = {each.id for each in errors}
            finals = {each.id for each in getattr(task, "finally_", ())}
            after = {each.id for each in getattr(task, "after_execution", ())}
            main = [r for r in runs if r.task_id not in names | finals | after]
            failed = any(r.state is State.FAILED for r in main)
            failed |= parent_id is not None and self._ran_out_of_time(parent_id)
            ran = any(r.task_id in names for r in runs)
            assert ran is (failed and bool(errors)), f"errors of {parent_id}: {ran}"

    def _ran_out_of_time(self, run_id: str) -> bool:
        """Whether a group has the FAILED attempt that a passed time limit leaves."""
        run = self.rows.runs[run_id]
        task = self.flow.task(run.task_id)
        return task is not None and task.timeout is not None and bool(run.attempts)

    def _was_stopped(self, run_id: str) -> bool:
        """Whether a group around this one ran out of time."""
        above = self.rows.runs[run_id].parent_id
        while above is not None:
            if self._ran_out_of_time(above):
                return True
            above = self.rows.runs[above].parent_id
        return False

    def _verify_index(self) -> None:
        fresh, kept = self.load(), self.live
        assert fresh.outputs == kept.outputs
        assert fresh.tasks == kept.tasks
        assert fresh.counts == kept.counts
        assert [node.run for node in fresh.nodes.values()] == [
            node.run for node in sorted(kept.nodes.values(), key=lambda n: n.run.position)
        ]


@dataclass(frozen=True)
class _Later:
    """An event on its way, in the same pot as submits."""

    event: Event

    @property
    def task_run(self) -> Any:
        return replace(_NOBODY)


_NOBODY = TaskRun("nobody", "e", "none", History.begin(START), 0)


def _enabled(tasks: Any) -> list[Any]:
    return [task for task in tasks if not task.disabled]


def _legal(history: History, table: Any) -> None:
    states = [moment.state for moment in history.moments]
    for before, after in itertools.pairwise(states):
        assert after in table[before], f"{before} became {after}"
    assert history.moments[0].state == State.CREATED


def simulate(seed: int, *, fates: int = 1) -> int:
    """Run one random flow under several fates; returns the number of events."""
    random = Random(seed)
    parsed = FlowMaker(random).flow()
    events = 0
    for _ in range(fates):
        simulation = Simulation(parsed, random)
        simulation.run()
        events += simulation.events
    return events
