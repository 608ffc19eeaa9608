"""What the pages may ask, handed in by whoever composes the application."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mainstem.localgcp.bigquery.warehouse import Warehouse
from mainstem.localgcp.console.storage import Buckets
from mainstem.localgcp.ports import Endpoints
from mainstem.localgcp.secretmanager.service import SecretSummary


@dataclass(frozen=True, slots=True)
class Sources:
    """The read sides of the emulators."""

    project: str
    endpoints: Endpoints
    buckets: Buckets
    warehouse: Warehouse
    secrets: Callable[[], Sequence[SecretSummary]]
