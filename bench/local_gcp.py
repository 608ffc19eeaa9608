"""What local Google Cloud costs, beside DuckDB's own time for the same work.

    python -m bench.local_gcp [--json] [--rows 1000000] [--repeat 5]

The floor of a line is what the work costs without the emulator: DuckDB in this process for
queries and loads; for the read, the client parsing the same pages from memory.
"""

import argparse
import csv
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
import psutil
import requests
from google.cloud import bigquery
from google.oauth2 import service_account

from mainstem.localgcp.launch import LocalGcp

PROJECT = "bench-project"
MEBIBYTE = 1024 * 1024
COLUMNS = 18


@dataclass(frozen=True)
class Line:
    """One measurement: smaller is better, and `target` is the most it may be."""

    name: str
    value: float
    target: float
    unit: str
    floor: float | None
    floor_of: str

    @property
    def holds(self) -> bool:
        return self.value <= self.target


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="bench-local-gcp-") as folder:
        lines = measure(Path(folder), arguments.rows, arguments.repeat)
    if arguments.json:
        print(json.dumps([{**asdict(line), "holds": line.holds} for line in lines]))
    else:
        show(lines)
    return 0 if all(line.holds for line in lines) else 1


def measure(folder: Path, rows: int, repeat: int) -> list[Line]:
    lines = [start_to_ready(folder, repeat)]
    narrow, wide = folder / "narrow.csv", folder / "wide.csv"
    write_narrow(narrow, rows)
    write_wide(wide, rows)
    with LocalGcp(folder / "state", project=PROJECT) as cloud:
        lines.append(idle_memory(cloud))
        client = client_of(cloud)
        client.create_dataset("bench")
        lines.append(select_one(client))
        lines.append(load_csv(client, narrow, rows))
        load(client, wide, "wide")
        lines.append(read_wide(client, rows))
        client.close()
    return lines


def client_of(cloud: LocalGcp) -> bigquery.Client:
    scopes = ["https://www.googleapis.com/auth/bigquery"]
    credentials = service_account.Credentials.from_service_account_info(cloud.key(), scopes=scopes)
    return bigquery.Client(
        project=PROJECT,
        credentials=credentials,
        client_options={"api_endpoint": cloud.endpoints.bigquery},
    )


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def start_to_ready(folder: Path, repeat: int) -> Line:
    times = []
    cloud = LocalGcp(folder / "starts", project=PROJECT)
    for _ in range(repeat + 1):
        times.append(seconds(cloud.start))
        cloud.stop()
    floor = statistics.median(python_floor() for _ in range(repeat))
    # The first start also writes byte code and creates the folder; users see it once.
    return Line("start to ready", statistics.median(times[1:]), 1.0, "s", floor, "import duckdb")


def python_floor() -> float:
    argv = [sys.executable, "-c", "import duckdb; duckdb.connect()"]
    return seconds(lambda: psutil.Popen(argv).wait())


def idle_memory(cloud: LocalGcp) -> Line:
    parent = psutil.Process(cloud.pid)
    # Proportional, so that pages shared by the processes count once.
    used = sum(process.memory_full_info().pss for process in (parent, *parent.children()))
    argv = [
        sys.executable,
        "-c",
        "import duckdb, time; c = duckdb.connect(); print(flush=True); time.sleep(60)",
    ]
    with psutil.Popen(argv, stdout=subprocess.PIPE) as alone:
        alone.stdout.readline()
        floor = alone.memory_full_info().pss
        alone.kill()
    return Line("idle memory", used / MEBIBYTE, 120, "MiB", floor / MEBIBYTE, "import duckdb")


def select_one(client: bigquery.Client) -> Line:
    for _ in range(10):
        list(client.query_and_wait("SELECT 1"))
    times = [seconds(lambda: list(client.query_and_wait("SELECT 1"))) for _ in range(200)]
    connection = duckdb.connect()
    floors = [seconds(lambda: connection.execute("SELECT 1").fetchall()) for _ in range(200)]
    value, floor = statistics.median(times) * 1000, statistics.median(floors) * 1000
    return Line("SELECT 1, median", value, 10, "ms", floor, "DuckDB in process")


def load_csv(client: bigquery.Client, path: Path, rows: int) -> Line:
    value = seconds(lambda: load(client, path, "narrow"))
    assert client.get_table("bench.narrow").num_rows == rows
    floor = seconds(lambda: duckdb_load(path))
    return Line(f"load of a {rows:,}-row CSV", value, 3, "s", floor, "DuckDB COPY into a file")


def load(client: bigquery.Client, path: Path, table: str) -> None:
    config = bigquery.LoadJobConfig(
        source_format="CSV",
        skip_leading_rows=1,
        autodetect=True,
        write_disposition="WRITE_TRUNCATE",
    )
    with path.open("rb") as stream:
        client.load_table_from_file(stream, f"bench.{table}", job_config=config).result()


def duckdb_load(path: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb.connect(str(Path(folder) / "floor.duckdb"))
        connection.execute("CREATE TABLE narrow AS SELECT * FROM read_csv(?)", [str(path)])
        connection.close()


def read_wide(client: bigquery.Client, rows: int) -> Line:
    pages: list[bytes] = []
    session = client._http
    record = RecordedAnswers(session, pages)
    value = seconds(lambda: read_all(client, rows))
    with record:
        read_all(client, rows)
    floor = seconds(lambda: parse_again(client, pages, rows))
    return Line(
        f"read of {rows:,} x {COLUMNS}", value, 10, "s", floor, "client parsing the same pages"
    )


def read_all(client: bigquery.Client, rows: int) -> None:
    count = sum(1 for _ in client.list_rows("bench.wide"))
    assert count == rows, count


class RecordedAnswers:
    """Keeps the bodies of the answers that pass through a session."""

    def __init__(self, session: requests.Session, bodies: list[bytes]) -> None:
        self._session = session
        self._bodies = bodies

    def keep(self, answer: requests.Response, *arguments: object, **options: object) -> None:
        if "/data?" in answer.url:
            self._bodies.append(answer.content)

    def __enter__(self) -> None:
        self._session.hooks["response"].append(self.keep)

    def __exit__(self, *error: object) -> None:
        self._session.hooks["response"].remove(self.keep)


def parse_again(client: bigquery.Client, pages: list[bytes], rows: int) -> None:
    """The client's own iterator over pages that are in memory already."""
    table = client.get_table("bench.wide")
    waiting = iter(pages)

    def answer(*arguments: object, **options: object) -> Mapping[str, object]:
        content: Mapping[str, object] = json.loads(next(waiting))
        return content

    original = client._call_api
    client._call_api = answer
    try:
        count = sum(1 for _ in client.list_rows(table))
    finally:
        client._call_api = original
    assert count == rows, count


def write_narrow(path: Path, rows: int) -> None:
    chance = random.Random(7)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "name", "amount", "day"])
        for number in range(rows):
            day = f"2024-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
            writer.writerow([number, f"name {number % 1000}", round(chance.random() * 100, 2), day])


def write_wide(path: Path, rows: int) -> None:
    header = [f"{kind}_{place}" for place in range(COLUMNS // 3) for kind in ("n", "x", "s")]
    with path.open("w") as stream:
        stream.write(",".join(header) + "\n")
        for number in range(rows):
            cells = f"{number},{number % 977 / 8},text{number % 331}"
            stream.write(",".join([cells] * (COLUMNS // 3)) + "\n")


def show(lines: Sequence[Line]) -> None:
    print(f"{'':<28}{'measured':>12}{'target':>12}{'floor':>12}  floor is")
    for line in lines:
        floor = "—" if line.floor is None else f"{line.floor:.2f} {line.unit}"
        print(
            f"{line.name:<28}{f'{line.value:.2f} {line.unit}':>12}"
            f"{f'{line.target:g} {line.unit}':>12}{floor:>12}  {line.floor_of}"
            f"{'' if line.holds else '   OVER'}"
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
