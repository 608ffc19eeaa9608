"""Query parameters to search filters."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import Query
from starlette.datastructures import QueryParams

from mainstem.api.query import parse_tree
from mainstem.errors import InvalidInput
from mainstem.model.duration import parse_duration
from mainstem.model.log import Level
from mainstem.model.query import Group, Leaf, Op
from mainstem.model.state import State
from mainstem.services.search import ExecutionFilter, LogFilter
from mainstem.services.triggers import TriggerFilter

# What fits the database's whole numbers.
_LARGEST: Final = 2**63 - 1

PageNumber = Annotated[int, Query(ge=1, le=1_000_000)]
PageSize = Annotated[int, Query(ge=1, le=1_000)]
Revision = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


def parse_labels(items: Iterable[str]) -> dict[str, str]:
    """`key:value` pairs; raises InvalidInput for one that lacks either."""
    found = {}
    for item in items:
        key, mark, value = item.partition(":")
        if not mark or not key.strip() or not value.strip():
            raise InvalidInput(f"label `{item}` must be written key:value")
        found[key] = value
    return found


def trigger_filter(params: QueryParams) -> TriggerFilter:
    """The filter of a list of triggers; raises InvalidInput naming a bad parameter."""
    return TriggerFilter(
        params.get("namespace") or None,
        params.get("flowId") or None,
        params.get("q", "").strip().strip("*") or None,
        where=_tree(params, ("scope", "triggerId", "triggerState")),
    )


def execution_filter(params: QueryParams) -> ExecutionFilter:
    """The filter of a search; raises InvalidInput naming a bad parameter."""
    text = params.get("q", "").strip().strip("*")
    return ExecutionFilter(
        namespace=params.get("namespace") or None,
        flow_id=params.get("flowId") or None,
        states=[parse_state(item) for item in _listed(params, "state")],
        labels=parse_labels(params.getlist("labels")),
        start=_start(params),
        end=parse_moment(params.get("endDate")),
        text=text or None,
        parent_id=params.get("parentId") or None,
        trigger_id=params.get("triggerId") or None,
        where=_tree(params, ("scope", "childFilter", "triggerExecutionId", "kind", "flowRevision")),
    )


def _listed(params: QueryParams, name: str) -> list[str]:
    """The values of a parameter that may be repeated, or hold several between commas."""
    given = ",".join(params.getlist(name)).split(",")
    return [item.strip() for item in given if item.strip()]


def _tree(params: QueryParams, plain: Iterable[str]) -> Group | None:
    """Filters of the newer form, and plain parameters that only they can express."""
    members: list[Leaf | Group] = [
        Leaf(name, Op.EQUALS, params[name]) for name in plain if params.get(name)
    ]
    tree = parse_tree(params)
    if tree is not None:
        members.append(tree)
    return Group(tuple(members)) if members else None


def log_filter(params: QueryParams, execution_id: str | None = None) -> LogFilter:
    """The filter of a log search; raises InvalidInput naming a bad parameter."""
    attempt = parse_number(params, "attempt")
    return LogFilter(
        execution_id=execution_id or params.get("executionId") or None,
        namespace=params.get("namespace") or None,
        flow_id=params.get("flowId") or None,
        task_run_ids=params.getlist("taskRunId"),
        task_ids=params.getlist("taskId"),
        trigger_id=params.get("triggerId") or None,
        attempt=None if attempt is None else attempt + 1,
        level=parse_level(params.get("minLevel") or params.get("level")),
        text=params.get("q") or None,
        start=_start(params),
        end=parse_moment(params.get("endDate")),
        after=parse_number(params, "after"),
        where=_tree(params, ("scope",)),
    )


def parse_number(params: QueryParams, name: str) -> int | None:
    """A parameter that counts something; raises InvalidInput for anything else."""
    text = params.get(name)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) < _LARGEST):
        raise InvalidInput(f"{name} `{text}` is not a number of 0 or more")
    return int(text)


def parse_state(text: str) -> State:
    try:
        return State(text.upper())
    except ValueError as error:
        known = ", ".join(State)
        raise InvalidInput(f"`{text}` is not a state (known: {known})") from error


def parse_level(text: str | None) -> Level:
    if not text:
        return Level.TRACE
    try:
        return Level[text.upper()]
    except KeyError as error:
        raise InvalidInput(f"`{text}` is not a level (TRACE, DEBUG, INFO, WARN, ERROR)") from error


def parse_moment(text: str | None) -> datetime | None:
    """An ISO date-time; one without a zone is UTC."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(f"`{text}` is not an ISO date-time") from error


def _start(params: QueryParams) -> datetime | None:
    """The beginning of a search; raises InvalidInput for a window that cannot be."""
    given = parse_moment(params.get("startDate"))
    back = params.get("timeRange")
    if back:
        return _back_from_now(back, given)
    end = parse_moment(params.get("endDate"))
    if given is not None and end is not None and end < given:
        raise InvalidInput("Illegal argument: Start date must be before End Date")
    return given


def _back_from_now(back: str, given: datetime | None) -> datetime:
    if given is not None:
        raise InvalidInput("Parameters 'startDate' and 'timeRange' are mutually exclusive")
    if set("YM") & set(back.upper().partition("T")[0]):
        raise InvalidInput(f"timeRange `{back}`: months and years are not of one length; use days")
    length: timedelta = parse_duration(back)
    try:
        return datetime.now(UTC) - length
    except OverflowError as error:
        raise InvalidInput(f"timeRange `{back}` is too long") from error
