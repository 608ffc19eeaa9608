"""Run the course's own nine flow files of 2025, unmodified, on this machine without a network.

    python demo/course.py --course-repo MIRROR

MIRROR is a clone or bare mirror of DataTalksClub/data-engineering-zoomcamp. The files are posted
byte for byte; only what the course tells its readers to set by hand is set by hand: the KV values
of flow 04 and the service-account key. Exits with 0 only if all nine executions end SUCCESS.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from demo import postgres, server
from demo.postgres import Database
from demo.processes import Children, DemoError, free_port
from demo.report import Report, table
from demo.standins import COURSE_DAY, standing_in

NAMESPACE = "zoomcamp"
FLOWS = "cohorts/2025/02-workflow-orchestration/flows"
# The course's flows name this port, user, password and database themselves.
DATABASE = Database("127.0.0.1", 5432, "kestra", "k3str4", "postgres-zoomcamp")
GCP = {
    "GCP_PROJECT_ID": "mainstem-course",
    "GCP_LOCATION": "europe-west2",
    "GCP_BUCKET_NAME": "mainstem-course-bucket",
    "GCP_DATASET": "zoomcamp",
}
WAREHOUSES = ("postgres", "bigquery")
TABLES = ("yellow", "green", "facts")
MONTH = ("2019-01-01T00:00:00Z", "2019-01-31T00:00:00Z")


@dataclass(frozen=True)
class Run:
    """One of the nine: with inputs, once for each colour, or by a backfill of its schedules."""

    flow_id: str
    inputs: Sequence[Mapping[str, str]] = ({},)
    triggers: Sequence[str] = ()


def _colours(month: str) -> list[Mapping[str, str]]:
    return [{"taxi": taxi, "year": "2019", "month": month} for taxi in ("yellow", "green")]


SCHEDULES = ("green_schedule", "yellow_schedule")
RUNS = (
    Run("01_getting_started_data_pipeline"),
    Run("02_postgres_taxi", _colours("02")),
    Run("02_postgres_taxi_scheduled", triggers=SCHEDULES),
    Run("03_postgres_dbt"),
    Run("04_gcp_kv"),
    Run("05_gcp_setup"),
    Run("06_gcp_taxi", _colours("02")),
    Run("06_gcp_taxi_scheduled", triggers=SCHEDULES),
    Run("07_gcp_dbt"),
)


# Ours, and run last: a state says that a flow ended well, not that there is anything in its tables.
COUNT = """
id: count_what_the_course_loaded
namespace: zoomcamp
tasks:
  - id: postgres
    type: io.kestra.plugin.jdbc.postgresql.Query
    url: jdbc:postgresql://host.docker.internal:5432/postgres-zoomcamp
    username: kestra
    password: k3str4
    fetchType: FETCH_ONE
    sql: >
      SELECT (SELECT count(*) FROM yellow_tripdata) AS yellow,
        (SELECT count(*) FROM green_tripdata) AS green, (SELECT count(*) FROM fact_trips) AS facts
  - id: bigquery
    type: io.kestra.plugin.gcp.bigquery.Query
    serviceAccount: "{{ kv('GCP_CREDS') }}"
    projectId: "{{ kv('GCP_PROJECT_ID') }}"
    location: "{{ kv('GCP_LOCATION') }}"
    fetchType: FETCH_ONE
    sql: >
      SELECT (SELECT COUNT(*) FROM {{ kv('GCP_DATASET') }}.yellow_tripdata) AS yellow,
        (SELECT COUNT(*) FROM {{ kv('GCP_DATASET') }}.green_tripdata) AS green,
        (SELECT COUNT(*) FROM {{ kv('GCP_DATASET') }}.fact_trips) AS facts
outputs:
  - {id: postgres, type: JSON, value: "{{ outputs.postgres.row }}"}
  - {id: bigquery, type: JSON, value: "{{ outputs.bigquery.row }}"}
"""


@dataclass
class Outcome:
    """What came of each of the nine files."""

    states: dict[str, list[str]] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    rows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def all_succeeded(self) -> bool:
        states = [self.states.get(run.flow_id, []) for run in RUNS]
        counts = [self.rows.get(where, {}).get(name, 0) for where in WAREHOUSES for name in TABLES]
        return all(set(words) == {"SUCCESS"} for words in states) and all(counts)

    def text(self) -> str:
        states = ((run.flow_id, self.states.get(run.flow_id, ["not run"])) for run in RUNS)
        lines = ((flow_id, " ".join(words)) for flow_id, words in states)
        counts = [
            (where, *(f"{self.rows.get(where, {}).get(name, 0):,}" for name in TABLES))
            for where in WAREHOUSES
        ]
        states_text = table([("flow", "executions"), *lines])
        return f"{states_text}\n\n{table([('rows in', *TABLES), *counts])}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Run the course's nine flows of 2025 unmodified.")
    parser.add_argument("--course-repo", type=Path, required=True)
    parser.add_argument(
        "--course-day", default=COURSE_DAY, help="state of the course's dbt project"
    )
    parser.add_argument("--rows", type=int, default=20_000, help="rows in each trip file")
    parser.add_argument("--folder", type=Path, help="keep state and logs here")
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="mainstem-course-"))
        folder = (options.folder or Path(temporary)).resolve()
        try:
            outcome = _run_course(stack, folder, options)
        except DemoError as problem:
            print(f"course: {problem}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
        print(f"\n{outcome.text()}")
        for reason in outcome.reasons:
            print(f"\n{reason}", file=sys.stderr)
        return 0 if outcome.all_succeeded else 1


def _run_course(stack: ExitStack, folder: Path, options: argparse.Namespace) -> Outcome:
    for name in ("state", "logs", "standins"):
        shutil.rmtree(folder / name, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    sources = read_flows(options.course_repo)
    if shutil.which("wget") is None:
        raise DemoError("The course's flows call wget; install it: apt-get install wget")
    stand_ins = stack.enter_context(
        standing_in(
            folder / "standins",
            course_repo=options.course_repo,
            course_day=options.course_day,
            rows=options.rows,
            data=folder / "data",
        )
    )
    children = stack.enter_context(Children(folder / "logs"))
    postgres.start(children, folder / "postgres", wanted=DATABASE)
    plan = server.Plan(port=free_port(), project=GCP["GCP_PROJECT_ID"], env=stand_ins.env)
    running = server.start(children, folder, plan)
    report = Report(running.api)
    for source in sources.values():
        running.api.save_flow(source)
    report.step(f"Posted {len(sources)} flow files as they are in {options.course_repo}")
    outcome = Outcome()
    for run in RUNS:
        _run_one(run, report, running, outcome)
    try:
        running.api.save_flow(COUNT)
        outcome.rows = report.run(NAMESPACE, "count_what_the_course_loaded").outputs
    except DemoError as problem:
        outcome.reasons.append(str(problem))
    return outcome


def read_flows(repository: Path) -> dict[str, str]:
    """The nine files by flow id, byte for byte as the repository's newest commit has them."""
    names = _git(repository, "ls-tree", "--name-only", "HEAD", f"{FLOWS}/").split()
    sources = {}
    for name in names:
        text = _git(repository, "show", f"HEAD:{name}")
        match = re.search(r"^id: (\S+)", text, flags=re.MULTILINE)
        if match is not None:
            sources[match[1]] = text
    missing = [run.flow_id for run in RUNS if run.flow_id not in sources]
    if missing:
        raise DemoError(f"{repository} has no {', '.join(missing)} in {FLOWS}.")
    return sources


def _git(repository: Path, *arguments: str) -> str:
    command = ["git", "-c", "safe.directory=*", "-C", str(repository), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoError(f"git {arguments[0]} failed in {repository}: {done.stderr.strip()}")
    return done.stdout


def _run_one(run: Run, report: Report, running: server.Server, outcome: Outcome) -> None:
    """All nine are run whatever became of those before; each failure keeps its reason."""
    states = outcome.states.setdefault(run.flow_id, [])
    try:
        if run.triggers:
            for execution in report.backfill(NAMESPACE, run.flow_id, run.triggers, MONTH, 1):
                states.append(execution.state)
        else:
            for inputs in run.inputs:
                states.append(report.run(NAMESPACE, run.flow_id, **inputs).state)
    except DemoError as problem:
        states.append("FAILED")
        outcome.reasons.append(str(problem))
    except Exception:
        states.append("ERROR")
        outcome.reasons.append(traceback.format_exc())
    if run.flow_id == "04_gcp_kv":
        # The course says: replace these by your own, and add the key of your service account.
        for key, value in {**GCP, "GCP_CREDS": running.key()}.items():
            running.api.set_kv(NAMESPACE, key, value)


if __name__ == "__main__":
    raise SystemExit(main())
