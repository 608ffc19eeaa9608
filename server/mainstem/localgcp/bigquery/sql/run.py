"""The way in: run a text, or describe a query."""

from mainstem.localgcp.bigquery.sql.host import Host
from mainstem.localgcp.bigquery.sql.outcome import Request, Run
from mainstem.localgcp.bigquery.sql.types import Field


def run(text: str, host: Host, request: Request | None = None) -> Run:
    """Run a query text; errors come back in the Run, whose outcomes happened before them."""
    raise NotImplementedError


def describe(text: str, host: Host) -> tuple[Field, ...]:
    """The schema of a query, as a view needs it; nothing is run."""
    raise NotImplementedError
