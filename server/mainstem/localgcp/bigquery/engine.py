"""The parts of one emulator, put together once by `app` and handed to routes and jobs."""

from dataclasses import dataclass
from pathlib import Path

from mainstem.localgcp.bigquery.gcs import GcsEndpoint
from mainstem.localgcp.bigquery.jobs.history import History
from mainstem.localgcp.bigquery.jobs.runner import Runner
from mainstem.localgcp.bigquery.results import Results
from mainstem.localgcp.bigquery.sizes import Sizes
from mainstem.localgcp.bigquery.warehouse import Warehouse


@dataclass(frozen=True, slots=True)
class Engine:
    warehouse: Warehouse
    storage: GcsEndpoint
    sizes: Sizes
    results: Results
    history: History
    runner: Runner
    scratch: Path
    """A folder for uploads and extracts under way; emptied at start."""


def open_engine(warehouse: Warehouse, storage: GcsEndpoint, scratch: Path) -> Engine:
    scratch.mkdir(parents=True, exist_ok=True)
    for leftover in scratch.iterdir():
        leftover.unlink()
    history = History(warehouse)
    return Engine(
        warehouse=warehouse,
        storage=storage,
        sizes=Sizes(warehouse),
        results=Results(warehouse),
        history=history,
        runner=Runner(warehouse, history),
        scratch=scratch,
    )


def close_engine(engine: Engine) -> None:
    engine.runner.close()
    engine.warehouse.close()
