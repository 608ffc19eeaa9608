"""Cron expressions: what is one, and which dates it has in a zone."""

from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from mainstem.sdk.cron import NICKNAMES, Cron, cron_fault

PARIS = ZoneInfo("Europe/Paris")


def after(expression: str, moment: str, number: int = 3, **options: bool) -> list[str]:
    found = Cron(expression, **options).after(datetime.fromisoformat(moment), PARIS)
    return [date.isoformat() for date in islice(found, number)]


def before(expression: str, moment: str, number: int = 3) -> list[str]:
    found = Cron(expression).before(datetime.fromisoformat(moment), PARIS)
    return [date.isoformat() for date in islice(found, number)]


@pytest.mark.parametrize(
    ("expression", "with_seconds", "said"),
    [
        ("$ome Inv@lid Cr0n", False, "expected 5 fields"),
        ("* * * * * *", False, "set `withSeconds: true`"),
        ("* * * * *", True, "expected 6 fields"),
        ("60 * * * *", False, "Bad minute"),
        ("* * 30 2 *", False, "Bad day-of-month"),
        ("@often", False, "nickname not known"),
        ("", False, "expected 5 fields"),
    ],
)
def test_what_is_no_expression_is_named_with_the_reason(
    expression: str, with_seconds: bool, said: str
) -> None:
    fault = cron_fault(expression, with_seconds)
    assert fault is not None
    assert fault.startswith(f"invalid cron expression '{expression}': ")
    assert said in fault


@pytest.mark.parametrize("name", NICKNAMES)
def test_every_nickname_is_an_expression(name: str) -> None:
    assert cron_fault(name) is None
    assert cron_fault(name.upper()) is None


def test_dates_are_strictly_after_a_moment() -> None:
    assert after("0 * * * *", "2024-05-15T10:00:00+00:00", 1) == ["2024-05-15T13:00:00+02:00"]
    assert after("0 * * * *", "2024-05-15T09:59:59.999999+00:00", 1) == [
        "2024-05-15T12:00:00+02:00"
    ]


def test_dates_are_strictly_before_a_moment() -> None:
    assert before("0 * * * *", "2024-05-15T10:00:00+00:00", 1) == ["2024-05-15T11:00:00+02:00"]
    assert before("0 * * * *", "2024-05-15T10:00:00.000001+00:00", 1) == [
        "2024-05-15T12:00:00+02:00"
    ]


def test_a_sixth_field_counts_seconds() -> None:
    assert after("*/20 * * * * *", "2024-05-15T10:00:05+00:00", 2, with_seconds=True) == [
        "2024-05-15T12:00:20+02:00",
        "2024-05-15T12:00:40+02:00",
    ]


def test_a_date_in_the_hour_that_spring_skips_fires_when_that_hour_is_over() -> None:
    assert after("30 2 * * *", "2024-03-30T12:00:00+01:00") == [
        "2024-03-31T03:00:00+02:00",
        "2024-04-01T02:30:00+02:00",
        "2024-04-02T02:30:00+02:00",
    ]


def test_a_date_in_the_hour_that_autumn_repeats_fires_once() -> None:
    assert after("30 2 * * *", "2024-10-26T12:00:00+02:00") == [
        "2024-10-27T02:30:00+02:00",
        "2024-10-28T02:30:00+01:00",
        "2024-10-29T02:30:00+01:00",
    ]
    assert after("30 2 * * *", "2024-10-27T02:15:00+01:00", 1) == ["2024-10-28T02:30:00+01:00"]


def test_every_hour_means_every_hour_in_spring_and_in_autumn() -> None:
    assert after("0 * * * *", "2024-03-31T01:00:00+01:00", 2) == [
        "2024-03-31T03:00:00+02:00",
        "2024-03-31T04:00:00+02:00",
    ]
    assert after("0 * * * *", "2024-10-27T01:00:00+02:00") == [
        "2024-10-27T02:00:00+02:00",
        "2024-10-27T02:00:00+01:00",
        "2024-10-27T03:00:00+01:00",
    ]


@pytest.mark.parametrize("expression", ["30 2 * * *", "0 * * * *", "15 */2 * * 1-5", "0 0 1 * *"])
@pytest.mark.parametrize("start", ["2024-03-29T00:00:00+00:00", "2024-10-25T00:00:00+00:00"])
def test_backward_gives_the_same_dates_as_forward(expression: str, start: str) -> None:
    forward = after(expression, start, 100)
    assert before(expression, forward[-1], 99) == forward[-2::-1]
