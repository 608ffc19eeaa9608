"""Where a job runs: where its dataset is; named elsewhere, the dataset is not found."""

from mainstem.localgcp.bigquery.errors import not_found
from mainstem.localgcp.bigquery.jobs.runner import Running
from mainstem.localgcp.bigquery.model import DatasetRef
from mainstem.localgcp.bigquery.names import ANONYMOUS
from mainstem.localgcp.bigquery.warehouse import Warehouse


def check_location(warehouse: Warehouse, running: Running, ref: DatasetRef) -> None:
    """Refuse a dataset of another location than the client named; take its location otherwise."""
    if ref.dataset == ANONYMOUS:
        return
    dataset = warehouse.database.catalog(ref.project).dataset(ref)
    if running.location is None:
        running.location = dataset.location
    elif running.location.upper() != dataset.location.upper():
        raise not_found(f"Not found: Dataset {ref} was not found in location {running.location}")
