"""A database full of what a working day leaves behind, for pages to show."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mainstem.app import App
from mainstem.clock import Clock, FrozenClock
from mainstem.ids import seeded_ids
from mainstem.model.execution import Attempt, Execution, ExecutionTrigger, TaskRun
from mainstem.model.flow_id import FlowId
from mainstem.model.log import Level, LogLine
from mainstem.model.metric import Metric, MetricKind
from mainstem.model.state import History, Moment, State
from mainstem.sdk.context import KvEntry
from mainstem.services.flows import FlowChange
from mainstem.services.previews import PreviewService
from mainstem.services.workers import StoredWorker, WorkerService
from mainstem.settings import GitSettings, Settings
from mainstem.store import executions as execution_rows
from mainstem.store import flows as flow_rows
from mainstem.store import logs as log_rows
from mainstem.store.flows import FlowRevision, Origin
from mainstem.store.logs import StoredMetric
from mainstem.ui.desk import Part, Services
from tests.ui import sources

NOW = datetime(2026, 11, 23, 9, 30, 12, tzinfo=UTC)
COMMIT = "4f2a9c1e7b3d5086a1c4e2f9d7b6a5c3e1f08d92"
TAXI = FlowId("zoomcamp", "taxi_month")
DBT = FlowId("zoomcamp", "dbt_build")
HELLO = FlowId("demo", "hello")
HOURLY = FlowId("zoomcamp.checks", "freshness")


@dataclass(frozen=True, slots=True)
class Plan:
    """One task run of a made-up execution: when it began and ended, in seconds."""

    task: str
    start: float
    end: float | None
    state: State = State.SUCCESS
    parent: str | None = None
    value: str | None = None
    outputs: Mapping[str, object] | None = None
    tries: int = 1
    dynamic: bool = False


def services(app: App) -> Services:
    """What the dashboard is given, as the composition root gives it."""
    parts = lambda: [Part("executor", "moves executions", app.clock.now(), 1.0)]  # noqa: E731
    return Services(
        flows=app.flows, executions=app.executions, search=app.search, inputs=app.inputs,
        files=app.files, namespaces=app.namespaces, tree=app.tree, secrets=app.secrets,
        secret_reads=app.secret_reads,
        credentials=app.credentials, kv=app.kv, triggers=app.triggers,
        previews=PreviewService(app.storage),
        plugins=app.plugins, dependencies=app.dependencies, figures=app.figures,
        operations=app.operations, evaluation=app.evaluation,
        syncs=app.syncs, accounts=app.accounts, workers=_workers(app), measures=app.measures,
        parts=parts, load=lambda: (3, 16), facts={"Database": "SQLite", "Address": app.base_url},
    )  # fmt: skip


def _workers(app: App) -> WorkerService:
    """A server alone, as the composition root tells of it."""
    now = app.clock.now()
    alone = StoredWorker("w1", "i1", "taxi-1", "", 16, "0.1.0", now - timedelta(hours=3), now, 3)
    return WorkerService(app.database, 30, lambda: alone)


def make_app(folder: Path, clock: Clock | None = None, git: GitSettings | None = None) -> App:
    """Services over a fresh folder; no loop runs, so that nothing moves while pages are read."""
    settings = Settings(state_dir=folder, git=git or GitSettings())
    return App(settings, clock=clock or FrozenClock(NOW), ids=seeded_ids("ui"), environment={})


class Seeder:
    """Writes flows, executions, logs, metrics, keys and files."""

    def __init__(self, app: App, now: datetime = NOW) -> None:
        self.app = app
        self.now = now
        self.ids = seeded_ids("seed")
        self.chance = random.Random(7)

    def flows(self) -> None:
        """Three flows as synced from Git, one saved here twice, one that is invalid."""
        self.app.flows.save(sources.HELLO.replace("2019", "2018"))
        self.app.flows.save(sources.HELLO)
        for flow, source, path in (
            (TAXI, sources.TAXI, "flows/taxi_month.yaml"),
            (DBT, sources.DBT, "flows/dbt_build.yaml"),
            (HOURLY, sources.HOURLY, "flows/checks/freshness.yaml"),
        ):
            self._synced(flow, source, path)
        broken = FlowRevision(FlowId("demo", "broken"), 1, sources.BROKEN, self.now)
        with self.app.database.write() as tx:
            flow_rows.add_revisions(tx, [broken])

    def _synced(self, flow: FlowId, source: str, path: str) -> None:
        """Two revisions from Git."""
        text = "Load green trips by month\n\nThe file of a month replaces its partition."
        for commit, message, content in (
            ("0" * 40, "First flows", source.replace("green_", "old_") + "# first\n"),
            (COMMIT, text, source),
        ):
            parsed = self.app.flows.parse(content)
            assert parsed.ok, parsed.problems
            origin = Origin("taxi", commit, path, "Ada Lovelace", message)
            with self.app.database.write() as tx:
                self.app.flows.apply(tx, [FlowChange(parsed, origin)], [])

    def execution(
        self,
        flow: FlowId,
        plans: Sequence[Plan],
        *,
        state: State,
        ago: float,
        trigger: str | None = None,
        labels: Mapping[str, str] | None = None,
        inputs: Mapping[str, object] | None = None,
    ) -> Execution:
        """One execution that began `ago` seconds before now, with its task runs."""
        start = self.now - timedelta(seconds=ago)
        execution_id = self.ids()
        runs = self._runs(execution_id, start, plans)
        ends = [run.history.ended_at for run in runs if run.history.ended_at]
        end = max(ends, default=start + timedelta(seconds=1)) + timedelta(seconds=0.2)
        execution = Execution(
            execution_id,
            flow,
            2,
            history(start, end if state.is_terminal else None, state),
            inputs=inputs or {"taxi": "green"},
            labels=labels or {"file": "green_tripdata_2019-01.csv", "team": "data"},
            trigger=ExecutionTrigger(
                trigger, "io.kestra.plugin.core.trigger.Schedule", {"date": start.isoformat()}
            )
            if trigger
            else None,
            commit=COMMIT,
        )
        with self.app.database.write() as tx:
            self.app.executions.insert(tx, [execution])
            execution_rows.put_task_runs(tx, runs)
            log_rows.add_lines(tx, [(line, flow) for line in self._lines(execution_id, runs)])
            log_rows.add_metrics(tx, execution_id, flow, _metrics(runs))
        return execution

    def _runs(self, execution_id: str, start: datetime, plans: Sequence[Plan]) -> list[TaskRun]:
        by_task: dict[str, str] = {}
        runs = []
        for position, plan in enumerate(plans):
            run_id = self.ids()
            by_task[plan.task + (plan.value or "")] = run_id
            by_task.setdefault(plan.task, run_id)
            began = start + timedelta(seconds=plan.start)
            ended = start + timedelta(seconds=plan.end) if plan.end is not None else None
            whole = history(began, ended, plan.state)
            is_group = any(other.parent == plan.task for other in plans)
            attempts = () if is_group or plan.dynamic else _attempts(whole, plan)
            runs.append(
                TaskRun(
                    run_id, execution_id, plan.task, whole, position,
                    by_task.get(plan.parent) if plan.parent else None, plan.value,
                    attempts=attempts, outputs=plan.outputs, dynamic=plan.dynamic,
                )
            )  # fmt: skip
        return runs

    def _lines(self, execution_id: str, runs: Sequence[TaskRun]) -> list[LogLine]:
        lines = []
        for run in runs:
            if not run.attempts:
                continue
            began = run.history.started_at

            def say(offset: float, level: Level, text: str, run: TaskRun = run) -> LogLine:
                return LogLine(
                    began + timedelta(seconds=offset), level, text,  # noqa: B023
                    execution_id, run.id, run.task_id, len(run.attempts),
                )  # fmt: skip

            lines.append(say(0.1, Level.DEBUG, f"Type of {run.task_id} resolved"))
            lines.append(say(0.3, Level.INFO, f"Starting \x1b[36m{run.task_id}\x1b[0m"))
            if run.state is State.FAILED:
                lines.append(say(1.0, Level.WARN, "The answer took longer than 10 s"))
                lines.append(say(1.4, Level.ERROR, _TRACE))
            elif run.history.ended_at:
                rows = self.chance.randint(90_000, 120_000)
                lines.append(say(1.2, Level.INFO, f"{rows} rows \x1b[32mloaded\x1b[0m"))
        return lines

    def everything(self) -> dict[str, Execution]:
        """A day of executions, and the interesting ones by name."""
        self.flows()
        self._history()
        self._keys_and_files()
        return {
            "failed": self._failed(),
            "hello": self.execution(
                HELLO, [Plan("say", 0, 0.2), Plan("give", 0.2, 0.4, outputs={"value": "2019"})],
                state=State.SUCCESS, ago=900, inputs={"name": "world"},
            ),
            "queued": self.execution(TAXI, [], state=State.QUEUED, ago=4, trigger="green_schedule"),
            "dbt": self._dbt(),
            "running": self._running(),
        }  # fmt: skip

    def _history(self) -> None:
        names = [TAXI, TAXI, DBT, HELLO, HOURLY, HOURLY, HOURLY]
        for _ in range(160):
            flow = self.chance.choice(names)
            ago = self.chance.uniform(600, 86_000)
            state = self.chance.choices(
                [State.SUCCESS, State.FAILED, State.WARNING, State.KILLED], [90, 6, 3, 1]
            )[0]
            length = self.chance.lognormvariate(2.5, 0.8)
            task = "extract" if state is not State.SUCCESS else "load"
            plan = Plan(task, 0, length, state)
            trigger = self.chance.choice([None, "green_schedule", "yellow_schedule"])
            self.execution(flow, [plan], state=state, ago=ago, trigger=trigger)

    def _failed(self) -> Execution:
        return self.execution(
            TAXI,
            [
                Plan("set_label", 0, 0.1),
                Plan("extract", 0.2, 14, outputs={"outputFiles": {"a.csv": "mainstem:///none.csv"}}),
                Plan("upload_to_gcs", 14.2, 21, outputs={"uri": "gs://bucket/green.csv"}),
                Plan("if_green_taxi", 21.1, 44, State.FAILED),
                Plan("bq_green_tripdata", 21.2, 25, parent="if_green_taxi"),
                Plan("bq_green_merge", 25.2, 44, State.FAILED, "if_green_taxi", tries=2),
            ],
            state=State.FAILED, ago=1_500, trigger="green_schedule",
        )  # fmt: skip

    def _dbt(self) -> Execution:
        nodes = [
            Plan(f"model.taxi.{name}", 5 + i * 2, 9 + i * 3, parent="dbt_build", dynamic=True)
            for i, name in enumerate(("stg_green", "stg_yellow", "fact_trips", "dim_zones"))
        ]
        failed = Plan(
            "test.taxi.not_null_trip_id", 18, 19, State.FAILED, "dbt_build", dynamic=True,
            outputs={"message": "Got 4 results, configured to fail if != 0"},
        )  # fmt: skip
        return self.execution(
            DBT,
            [Plan("sync", 0, 4), Plan("dbt_build", 4, 20, State.WARNING), *nodes, failed],
            state=State.WARNING, ago=700,
        )  # fmt: skip

    def _running(self) -> Execution:
        files = {"green.csv": self._file("green.csv"), "rows": 104_233}
        loop = [
            run
            for i, month in enumerate(("2019-01", "2019-02", "2019-03"))
            for run in (
                Plan("load", 19 + i * 7, 25 + i * 7 if i < 2 else None,
                     State.SUCCESS if i < 2 else State.RUNNING, "each_month", month,
                     {"rows": 100_000 + i, "table": {"name": "trips", "schema": ["a", "b"]}}),
            )
        ]  # fmt: skip
        return self.execution(
            TAXI,
            [
                Plan("set_label", 0, 0.1),
                Plan("extract", 0.2, 12, outputs={"outputFiles": files}, tries=2),
                Plan("upload_to_gcs", 12.2, 18.5, outputs={"uri": "gs://bucket/green.csv"}),
                Plan("each_month", 18.6, None, State.RUNNING),
                *loop,
            ],
            state=State.RUNNING, ago=41, trigger="green_schedule",
        )  # fmt: skip

    def _file(self, name: str) -> str:
        return f"mainstem:///{name}"

    def _keys_and_files(self) -> None:
        for namespace, key, value in (
            ("zoomcamp", "GCP_PROJECT_ID", "my-project-123"),
            ("zoomcamp", "GCP_LOCATION", "europe-west3"),
            ("zoomcamp", "retry", {"max": 3, "wait": "PT5S"}),
            ("demo", "answer", 42),
        ):
            self.app.kv.set(namespace, KvEntry(key, value, None, None, "where data goes"))
        for path, content in (
            ("scripts/load.py", "def load(path: str) -> int:\n    return 1  # rows\n"),
            ("dbt/models/fact_trips.sql", "-- facts\nselect * from {{ ref('stg_green') }}\n"),
            ("dbt/dbt_project.yml", "name: taxi\nversion: 1.0.0\n"),
            ("README.md", "# Files\n\nText with `code`.\n"),
        ):
            self.app.files.write("zoomcamp", path, content.encode())


_TRACE = """\
404 Not found: Table my-project-123:zoomcamp.green_tripdata_ext was not found in location EU
Traceback (most recent call last):
  File "query.py", line 41, in run
    job.result(timeout=ctx.timeout)
google.api_core.exceptions.NotFound: 404 Table zoomcamp.green_tripdata_ext"""


def history(start: datetime, end: datetime | None, state: State) -> History:
    """CREATED, then RUNNING a little later, then the end; or the state itself if it waits."""
    if state in (State.QUEUED, State.CREATED):
        return (
            History.begin(start)
            if state is State.CREATED
            else History((Moment(State.CREATED, start), Moment(state, start)))
        )
    begun = start + timedelta(milliseconds=60)
    moments = [Moment(State.CREATED, start), Moment(State.RUNNING, begun)]
    return History((*moments, Moment(state, end)) if end else tuple(moments))


def _attempts(whole: History, plan: Plan) -> tuple[Attempt, ...]:
    start, end = whole.started_at + timedelta(milliseconds=60), whole.ended_at
    if plan.tries == 1:
        return (Attempt(1, history(start, end, plan.state)),)
    middle = start + timedelta(seconds=((plan.end or plan.start + 9) - plan.start) / 3)
    again = middle + timedelta(seconds=2)
    return (
        Attempt(1, history(start, middle, State.FAILED)),
        Attempt(2, history(again, end, plan.state)),
    )


def _metrics(runs: Sequence[TaskRun]) -> list[StoredMetric]:
    return [
        StoredMetric(metric, run.id, run.task_id, run.history.started_at)
        for run in runs
        if run.attempts and run.state is State.SUCCESS
        for metric in (
            Metric("rows", 104_233.0),
            Metric("bytes.read", 14_200_311.0),
            Metric("duration", 12.4, MetricKind.TIMER),
        )
    ]
