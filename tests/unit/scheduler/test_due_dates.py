"""What is done about a date that has come, and where a schedule goes on after a pause."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mainstem.expr import NoHost, Scope, render, render_value
from mainstem.model.flow_id import FlowId
from mainstem.scheduler.due import Fail, Fire, Skip, Wait, decide, next_in_time, recover
from mainstem.sdk.registry import Registry
from mainstem.sdk.schedule import MOST_CANDIDATES, ScheduleContext, ScheduledTrigger

NOW = datetime(2024, 5, 15, 10, 20, 30, tzinfo=UTC)
REGISTRY = Registry.installed()
_CONDITION = "io.kestra.plugin.core.condition"


def schedule(cron: str = "0 * * * *", **properties: Any) -> ScheduledTrigger:
    data = {"id": "s", "type": "io.kestra.plugin.core.trigger.Schedule", "cron": cron}
    return REGISTRY.build(ScheduledTrigger, {**data, **properties}, None)


def context(now: datetime = NOW) -> ScheduleContext:
    def rendered(value: object, variables: Mapping[str, object]) -> object:
        scope = Scope(variables, NoHost(now))
        return render(value, scope) if isinstance(value, str) else render_value(value, scope)

    return ScheduleContext(FlowId("company", "taxi"), now, UTC, rendered)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2024, 5, 15, hour, minute, tzinfo=UTC)


def expression(text: str) -> dict[str, object]:
    return {"type": f"{_CONDITION}.Expression", "expression": text}


def test_a_date_that_has_come_fires_and_the_next_one_is_waited_for() -> None:
    assert decide(schedule(), context(), at(10)) == Fire(at(10), at(11))


def test_a_moment_off_the_dates_moves_to_the_next_date() -> None:
    assert decide(schedule(), context(), at(8, 45)) == Fire(at(9), at(10))
    assert decide(schedule(), context(), at(10, 5)) == Wait(at(11))


def test_a_false_condition_skips_the_date() -> None:
    trigger = schedule(conditions=[expression("{{ (trigger.date | date('HH')) == '11' }}")])
    due = decide(trigger, context(), at(10))
    assert isinstance(due, Skip)
    assert (due.date, due.next_at, due.reason) == (at(10), at(11), "the conditions are false")


def test_a_condition_that_cannot_be_asked_fails_the_date_and_goes_on() -> None:
    due = decide(schedule(conditions=[expression("{{ nope }}")]), context(), at(10))
    assert isinstance(due, Fail)
    assert (due.date, due.next_at) == (at(10), at(11))
    assert "nope" in due.reason


def test_a_condition_on_executions_is_not_asked_about_dates() -> None:
    condition = {"type": f"{_CONDITION}.ExecutionStatus", "in": ["SUCCESS"]}
    assert isinstance(decide(schedule(conditions=[condition]), context(), at(10)), Fire)


def test_a_date_that_is_too_late_is_dropped_for_the_first_that_is_not() -> None:
    trigger = schedule("*/10 * * * *", lateMaximumDelay="PT25M")
    due = decide(trigger, context(), at(8))
    assert isinstance(due, Skip)
    assert due.next_at == at(10)
    assert next_in_time(trigger, context(), at(8)) == at(10)


@pytest.mark.parametrize(
    ("policy", "next_at"), [("ALL", at(7)), ("LAST", at(10)), ("NONE", at(11))]
)
def test_missed_dates_are_recovered_by_policy(policy: Any, next_at: datetime) -> None:
    assert recover(schedule(), context(), at(7), policy) == next_at


@pytest.mark.parametrize("policy", ["ALL", "LAST", "NONE"])
def test_nothing_is_recovered_before_its_time(policy: Any) -> None:
    assert recover(schedule(), context(), at(11), policy) == at(11)


def test_next_and_previous_are_the_nearest_dates_for_which_the_conditions_hold() -> None:
    condition = {
        "type": f"{_CONDITION}.DayWeekInMonth",
        "dayOfWeek": "MONDAY",
        "dayInMonth": "FIRST",
    }
    trigger = schedule("0 12 * * 1", timezone="Europe/Paris", conditions=[condition])
    date = datetime.fromisoformat("2021-08-02T12:00:00+02:00")
    assert trigger.variables(context(), date) == {
        "date": "2021-08-02T12:00:00+02:00",
        "next": "2021-09-06T12:00:00+02:00",
        "previous": "2021-07-05T12:00:00+02:00",
    }


def test_a_date_without_a_next_one_has_no_such_variable() -> None:
    condition = {"type": f"{_CONDITION}.DateTimeBetween", "before": "2021-08-03T12:00:00+02:00"}
    trigger = schedule("0 12 * * 1", timezone="Europe/Paris", conditions=[condition])
    date = datetime.fromisoformat("2021-08-02T12:00:00+02:00")
    assert sorted(trigger.variables(context(), date)) == ["date", "previous"]


def test_a_search_that_takes_too_long_goes_on_where_it_was_given_up() -> None:
    trigger = schedule("* * * * *", conditions=[expression("false")])
    found = trigger.next(context(), NOW)
    assert found is not None
    assert found == at(10, 20) + timedelta(minutes=MOST_CANDIDATES)


def test_conditions_see_the_date_next_and_previous_by_two_names() -> None:
    dates = "2024-05-15T11:00:00Z 2024-05-15T09:00:00Z"
    text = f"{{{{ schedule.next ~ ' ' ~ trigger.previous == '{dates}' }}}}"
    trigger = schedule(scheduleConditions=[expression(text)])
    assert trigger.holds(context(), at(10))
    assert not trigger.holds(context(), at(9))


def listed(*dates: str, **properties: Any) -> ScheduledTrigger:
    data = {
        "id": "d",
        "type": "io.kestra.plugin.core.trigger.ScheduleOnDates",
        "dates": list(dates),
    }
    return REGISTRY.build(ScheduledTrigger, {**data, **properties}, None)


def test_listed_dates_begin_with_the_first_even_if_it_is_past() -> None:
    trigger = listed("2024-05-15T12:00:00Z", "2024-05-15T09:00:00Z")
    assert trigger.first(context()) == at(9)
    assert trigger.next(context(), at(9)) == at(12)
    assert trigger.next(context(), at(12)) is None
    assert trigger.previous(context(), NOW) == at(9)


def test_listed_dates_may_be_an_expression_and_are_shown_in_the_zone() -> None:
    trigger = REGISTRY.build(
        ScheduledTrigger,
        {
            "id": "d",
            "type": "io.kestra.plugin.core.trigger.ScheduleOnDates",
            "dates": '[\'{{ "2024-05-15" ~ "T12:00:00Z" }}\']',
            "timezone": "Europe/Paris",
        },
        None,
    )
    found = trigger.first(context())
    assert found is not None
    assert found.isoformat() == "2024-05-15T14:00:00+02:00"
