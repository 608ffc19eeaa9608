"""One job as an immutable value: its states follow one another here and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from mainstem.localgcp.bigquery.errors import ErrorProto
from mainstem.localgcp.bigquery.model import TableRef
from mainstem.localgcp.bigquery.sql.types import Field


class State(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    DONE = "DONE"


@dataclass(frozen=True, slots=True)
class JobRef:
    project: str
    job_id: str
    location: str

    def __str__(self) -> str:
        return f"{self.project}:{self.location}.{self.job_id}"


@dataclass(frozen=True, slots=True)
class Output:
    """What a finished job leaves behind.

    `statistics` is keyed as the API's `statistics` object is: `query`, `load`, `copy`, `extract`.
    """

    statistics: Mapping[str, object] = field(default_factory=dict)
    total_bytes: int = 0
    destination: TableRef | None = None
    schema: tuple[Field, ...] | None = None
    rows: int | None = None
    dml_rows: int | None = None
    warnings: tuple[ErrorProto, ...] = ()
    child_jobs: int = 0


@dataclass(frozen=True, slots=True)
class Job:
    ref: JobRef
    kind: str
    configuration: Mapping[str, object]
    """As the API writes it, with what was left out filled in."""
    created: datetime
    user_email: str
    state: State = State.PENDING
    started: datetime | None = None
    ended: datetime | None = None
    labels: tuple[tuple[str, str], ...] = ()
    parent: str | None = None
    error: ErrorProto | None = None
    errors: tuple[ErrorProto, ...] = ()
    output: Output = Output()
    is_dry_run: bool = False

    @property
    def is_done(self) -> bool:
        return self.state is State.DONE

    def start(self, at: datetime) -> "Job":
        assert self.state is State.PENDING
        return replace(self, state=State.RUNNING, started=at)

    def succeed(self, output: Output, at: datetime, location: str) -> "Job":
        assert self.state is State.RUNNING
        return replace(
            self,
            ref=replace(self.ref, location=location),
            state=State.DONE,
            ended=at,
            output=output,
            errors=output.warnings,
        )

    def fail(
        self, error: ErrorProto, errors: tuple[ErrorProto, ...], at: datetime, output: Output
    ) -> "Job":
        """End with an error; what was counted until then is kept."""
        assert self.state is not State.DONE
        return replace(
            self,
            state=State.DONE,
            started=self.started or at,
            ended=at,
            error=error,
            errors=errors or (error,),
            output=output,
        )
