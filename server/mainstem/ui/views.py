"""Rows as templates list them: what services give, in the words of a page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mainstem.model.execution import Execution
from mainstem.model.state import State
from mainstem.ui import format as words
from mainstem.ui.charts import Run
from mainstem.ui.render import execution_link
from mainstem.ui.states import look


@dataclass(frozen=True, slots=True)
class ExecutionLine:
    """One execution of a list; `note` is the first line of what went wrong."""

    id: str
    namespace: str
    flow_id: str
    state: State
    created_at: datetime
    ended_at: datetime | None
    trigger_id: str | None
    revision: int
    commit: str | None
    labels: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    @property
    def href(self) -> str:
        return execution_link(self.namespace, self.flow_id, self.id)

    @property
    def length(self) -> timedelta | None:
        return self.ended_at - self.created_at if self.ended_at else None


def line(execution: Execution, note: str | None = None) -> ExecutionLine:
    """An execution as a list shows it."""
    return ExecutionLine(
        id=execution.id,
        namespace=execution.flow.namespace,
        flow_id=execution.flow.id,
        state=execution.state,
        created_at=execution.history.started_at,
        ended_at=execution.history.ended_at,
        trigger_id=execution.trigger.id if execution.trigger else None,
        revision=execution.revision,
        commit=execution.commit,
        labels=execution.labels,
        note=note or execution.error or "",
    )


def tick(execution: Execution, now: datetime) -> Run:
    """An execution as a tick of the last runs."""
    shown = line(execution)
    length = execution.history.duration(now)
    title = (
        f"{look(shown.state).word}, {words.age(shown.created_at, now)}, {words.duration(length)}"
    )
    return Run(shown.state, length, title, shown.href)
