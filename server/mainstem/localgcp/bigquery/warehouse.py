"""The parts of one emulator, put together once by `app` and handed to routes and jobs."""

from dataclasses import dataclass
from pathlib import Path

from mainstem.localgcp.bigquery.database import Database
from mainstem.localgcp.bigquery.gcs import GcsEndpoint
from mainstem.localgcp.bigquery.jobs.history import History
from mainstem.localgcp.bigquery.jobs.runner import Runner
from mainstem.localgcp.bigquery.results import Results
from mainstem.localgcp.bigquery.sizes import Sizes


@dataclass(frozen=True, slots=True)
class Warehouse:
    database: Database
    storage: GcsEndpoint
    sizes: Sizes
    results: Results
    history: History
    runner: Runner
    scratch: Path
    """A folder for uploads and extracts under way; emptied at start."""


def open_warehouse(database: Database, storage: GcsEndpoint, scratch: Path) -> Warehouse:
    scratch.mkdir(parents=True, exist_ok=True)
    for leftover in scratch.iterdir():
        leftover.unlink()
    history = History(database)
    return Warehouse(
        database=database,
        storage=storage,
        sizes=Sizes(database),
        results=Results(database),
        history=history,
        runner=Runner(database, history),
        scratch=scratch,
    )


def close_warehouse(warehouse: Warehouse) -> None:
    warehouse.runner.close()
    warehouse.history.close()
    warehouse.database.close()
