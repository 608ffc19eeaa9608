"""The tables of legal moves."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from mainstem.model.state import (
    EXECUTION_TRANSITIONS,
    TASK_RUN_TRANSITIONS,
    TERMINAL,
    History,
    InvalidTransition,
    State,
)

NOW = datetime(2024, 1, 1, tzinfo=UTC)
Table = Mapping[State, frozenset[State]]
TABLES = pytest.mark.parametrize(
    ("table", "absent"),
    [(EXECUTION_TRANSITIONS, {State.SKIPPED}), (TASK_RUN_TRANSITIONS, {State.QUEUED})],
    ids=["executions", "task runs"],
)


@TABLES
def test_every_state_has_its_row(table: Table, absent: set[State]) -> None:
    assert set(table) == set(State)


@TABLES
def test_every_state_is_reached_from_created(table: Table, absent: set[State]) -> None:
    seen, stack = {State.CREATED}, [State.CREATED]
    while stack:
        fresh = table[stack.pop()] - seen
        seen |= fresh
        stack.extend(fresh)
    assert set(State) - seen == absent


@TABLES
def test_what_ended_is_only_run_again_or_given_another_end(
    table: Table, absent: set[State]
) -> None:
    allowed = TERMINAL | {State.RESTARTED, State.RUNNING}
    assert all(table[state] <= allowed for state in TERMINAL)


@TABLES
def test_nothing_returns_to_created_but_a_retry_or_a_lost_attempt(
    table: Table, absent: set[State]
) -> None:
    back = {state for state in State if State.CREATED in table[state]}
    assert back <= {State.QUEUED, State.RETRYING, State.RUNNING}


def test_a_move_outside_the_table_is_refused_and_the_present_state_kept_without_a_moment() -> None:
    ended = History.begin(NOW).to(State.RUNNING, at=NOW, table=TASK_RUN_TRANSITIONS)
    assert ended.to(State.RUNNING, at=NOW, table=TASK_RUN_TRANSITIONS) is ended
    with pytest.raises(InvalidTransition):
        History.begin(NOW).to(State.PAUSED, at=NOW, table=TASK_RUN_TRANSITIONS)
