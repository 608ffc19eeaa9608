"""Time windows of preconditions: where they lie, and what still counts."""

from datetime import UTC, datetime, timedelta

import pytest

from mainstem.model.state import State
from mainstem.model.trigger import BackfillPolicy, SlotRun, plan_slot
from mainstem.sdk.preconditions import TimeWindow

NOW = datetime(2024, 5, 15, 10, 20, 30, tzinfo=UTC)


def window(**properties: object) -> TimeWindow:
    return TimeWindow.model_validate(properties)


@pytest.mark.parametrize(
    ("given", "start", "end"),
    [
        (window(), "00:00:00", "23:59:59.999000"),
        (window(window="PT1H", windowAdvance="PT-4H"), "06:00:00", "06:59:59.999000"),
        (window(window="PT15M", windowAdvance="PT-5M"), "10:10:00", "10:24:59.999000"),
        (window(window="PT6H"), "06:00:00", "11:59:59.999000"),
        (window(type="SLIDING_WINDOW", window="PT1H"), "09:20:30", "10:20:30"),
        (window(type="DAILY_TIME_DEADLINE", deadline="09:00:00"), "00:00:00", "09:00:00"),
        (
            window(type="DAILY_TIME_WINDOW", startTime="06:00:00", endTime="09:00:00"),
            "06:00:00",
            "09:00:00",
        ),
    ],
)
def test_where_a_window_lies(given: TimeWindow, start: str, end: str) -> None:
    span = given.span(NOW)
    assert span.start.isoformat() == f"2024-05-15T{start}+00:00"
    assert span.end.isoformat() == f"2024-05-15T{end}+00:00"


@pytest.mark.parametrize(
    ("given", "back", "counts"),
    [
        (window(), timedelta(hours=10), True),
        (window(), timedelta(hours=11), False),
        (window(window="PT1H"), timedelta(minutes=20), True),
        (window(window="PT1H"), timedelta(minutes=21), False),
        (window(windowAdvance="PT6H"), timedelta(hours=4), True),
        (window(windowAdvance="PT6H"), timedelta(hours=5), False),
        (window(windowAdvance="PT12H"), timedelta(hours=20), True),
        (window(window="P2D"), timedelta(hours=30), True),
        (window(window="PT2S"), timedelta(seconds=1), True),
        (window(window="PT2S"), timedelta(seconds=2.005), False),
        (window(type="SLIDING_WINDOW", window="P1D"), timedelta(hours=23), True),
        (window(type="SLIDING_WINDOW", window="P1D"), timedelta(hours=25), False),
        (window(type="DAILY_TIME_DEADLINE", deadline="11:00:00"), timedelta(hours=9), True),
        (window(type="DAILY_TIME_DEADLINE", deadline="11:00:00"), timedelta(hours=11), False),
        (window(type="DAILY_TIME_DEADLINE", deadline="10:00:00"), timedelta(0), False),
    ],
)
def test_what_was_satisfied_earlier_counts_within_the_same_window(
    given: TimeWindow, back: timedelta, counts: bool
) -> None:
    assert given.keeps(NOW - back, NOW) is counts


_M, _F, _A = BackfillPolicy.MISSING, BackfillPolicy.FAILED, BackfillPolicy.ALL


@pytest.mark.parametrize(
    ("policy", "state", "runs"),
    [
        (_M, State.SUCCESS, False),
        (_M, State.FAILED, False),
        (_F, State.FAILED, True),
        (_F, State.KILLED, True),
        (_F, State.SUCCESS, False),
        (_F, State.RUNNING, False),
        (_F, None, False),
        (_A, State.SUCCESS, True),
        (_A, State.RUNNING, True),
    ],
)
def test_the_policy_decides_about_a_slot_that_has_run(
    policy: BackfillPolicy, state: State | None, runs: bool
) -> None:
    assert plan_slot(policy, NOW, SlotRun(NOW, "known", state)).runs is runs


@pytest.mark.parametrize("policy", BackfillPolicy)
def test_a_slot_without_an_execution_runs_under_any_policy(policy: BackfillPolicy) -> None:
    assert plan_slot(policy, NOW, None).runs
