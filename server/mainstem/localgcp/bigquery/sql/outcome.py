"""What a run of a query text gives back, statement by statement.

`run.run(text, host, request)` gives a `Run`; `run.describe(text, host)` gives a query's schema.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mainstem.localgcp.bigquery.errors import BigQueryError
from mainstem.localgcp.bigquery.model import DatasetRef, TableRef
from mainstem.localgcp.bigquery.sql.types import Field


@dataclass(frozen=True, slots=True)
class Request:
    """How to run a text: its parameters as the REST API writes them, and its limits.

    A dry run analyses every statement up to the first that an earlier one would have to prepare.
    """

    parameters: Sequence[Mapping[str, object]] = ()
    is_dry_run: bool = False
    maximum_bytes_billed: int | None = None
    job_id: str = ""
    is_cancelled: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class DmlStats:
    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def affected(self) -> int:
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True, slots=True)
class Outcome:
    """One statement that ran, with what a job resource says of it.

    `fields` is set where rows come back; `result` is what `Host.keep_result` gave for them, None
    in a dry run. `ddl_operation` is CREATE, SKIP, REPLACE, DROP or ALTER. `error` is set for the
    statement that failed, which is then the last one unless a handler caught it.
    """

    statement_type: str
    text: str
    started: datetime
    ended: datetime
    fields: tuple[Field, ...] | None = None
    result: object | None = None
    ddl_operation: str | None = None
    target_table: TableRef | None = None
    target_dataset: DatasetRef | None = None
    target_routine: TableRef | None = None
    dml: DmlStats | None = None
    referenced: tuple[TableRef, ...] = ()
    bytes_processed: int = 0
    position: tuple[int, int] = (1, 1)
    """Line and column of the statement in the script, both from one."""
    error: BigQueryError | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A whole text: `is_script` means child jobs, one for each outcome; else there is one outcome.

    `error` is what the whole job fails with.
    """

    outcomes: tuple[Outcome, ...]
    is_script: bool
    error: BigQueryError | None = None

    @property
    def bytes_processed(self) -> int:
        return sum(outcome.bytes_processed for outcome in self.outcomes)

    @property
    def last_with_rows(self) -> Outcome | None:
        """The statement whose rows are the script's answer."""
        if self.outcomes and self.outcomes[-1].fields is not None:
            return self.outcomes[-1]
        with_rows = [outcome for outcome in self.outcomes if outcome.fields is not None]
        return with_rows[-1] if with_rows else None
