"""Schedules, from a saved flow to executions."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mainstem.model.log import Level
from mainstem.model.state import State
from mainstem.model.trigger import Outcome
from mainstem.services.search import LogFilter
from mainstem.store import flows as flow_rows
from mainstem.store import triggers as trigger_rows
from tests.services.trigger_world import FAIL, FLOW, NOW, PAUSE, World, date_of, schedule

HOUR = timedelta(hours=1)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2024, 5, 15, hour, minute, tzinfo=UTC)


def dates(world: World) -> list[str]:
    return [date_of(item) for item in world.executions()]


def test_a_new_schedule_waits_for_its_next_date(world: World) -> None:
    world.save(schedule())
    assert world.state().next_at == at(11)
    world.tick()
    assert world.executions() == []


def test_a_date_fires_one_execution_with_its_variables_inputs_and_labels(world: World) -> None:
    world.save(
        schedule(
            timezone="Europe/Paris",
            inputs={"taxi": "{{ trigger.date | date('yyyy-MM') }}"},
            labels={"month": "{{ trigger.date | date('MM') }}", "lost": "{{ nowhere }}"},
        ),
        inputs=[
            {"id": "taxi", "type": "STRING"},
            {"id": "kind", "type": "STRING", "defaults": "x"},
        ],
        labels={"team": "data"},
    )
    world.tick(HOUR)
    (execution,) = world.settle()
    assert execution.state is State.SUCCESS
    assert execution.inputs == {"taxi": "2024-05", "kind": "x"}
    assert execution.labels["month"] == "05"
    assert execution.labels["team"] == "data"
    assert "lost" not in execution.labels
    assert execution.trigger
    assert execution.trigger.variables == {
        "date": "2024-05-15T13:00:00+02:00",
        "next": "2024-05-15T14:00:00+02:00",
        "previous": "2024-05-15T12:00:00+02:00",
    }
    assert execution.variables["schedule"] == execution.trigger.variables
    assert world.state().next_at == at(12)
    assert world.state().last_at == at(11)


def test_several_ticks_of_the_same_moment_fire_once(world: World) -> None:
    world.save(schedule())
    for _ in range(3):
        world.tick(HOUR if not world.executions() else timedelta(0))
    assert dates(world) == ["2024-05-15T11:00:00Z"]


def test_two_schedulers_that_tick_at_once_fire_each_date_once(tmp_path: Path) -> None:
    first, second = (World(tmp_path / "state", executor=False) for _ in range(2))
    try:
        first.save(schedule("* * * * *"))
        gate = threading.Barrier(2)

        def run(world: World) -> None:
            for _ in range(15):
                gate.wait(10)
                world.tick(timedelta(minutes=1))
                with world.app.database.write() as tx:
                    trigger_rows.unlock(tx, [item.id for item in world.executions()])

        threads = [threading.Thread(target=run, args=(world,)) for world in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = dates(first)
        assert len(found) == len(set(found)) >= 14
    finally:
        first.close()
        second.close()


def test_a_process_that_dies_between_commit_and_dispatch_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    dying = World(tmp_path / "state", executor=False)
    dying.save(schedule())
    dying.tick(HOUR)
    assert [item.state for item in dying.executions()] == [State.CREATED]
    dying.app.database.close()

    later = World(tmp_path / "state", now=NOW + HOUR)
    try:
        later.tick()
        (execution,) = later.settle()
        assert execution.state is State.SUCCESS
        later.tick()
        assert dates(later) == ["2024-05-15T11:00:00Z"]
        assert later.state().execution_id is None
    finally:
        later.close()


def test_the_next_date_waits_while_an_execution_of_the_trigger_runs(world: World) -> None:
    world.save(schedule(), tasks=[PAUSE])
    world.tick(HOUR)
    (execution,) = world.settle()
    assert execution.state is State.PAUSED
    assert world.state().execution_id == execution.id
    world.tick(HOUR)
    assert len(world.executions()) == 1
    world.app.executions.resume(execution.id)
    world.wait(lambda: world.app.executions.get(execution.id).state.is_terminal)
    world.tick()
    assert dates(world) == ["2024-05-15T11:00:00Z", "2024-05-15T12:00:00Z"]


def test_a_trigger_that_allows_it_fires_beside_its_running_execution(world: World) -> None:
    world.save(schedule(allowConcurrent=True), tasks=[PAUSE])
    for _ in range(3):
        world.tick(HOUR)
    assert [item.state for item in world.settle()] == [State.PAUSED] * 3
    assert world.state().execution_id is None


def test_an_unlocked_trigger_fires_beside_its_running_execution(world: World) -> None:
    world.save(schedule(), tasks=[PAUSE])
    world.tick(HOUR)
    world.settle()
    world.app.triggers.unlock(FLOW, "s")
    world.tick(HOUR)
    assert len(world.executions()) == 2


def test_a_lock_whose_execution_is_gone_frees_itself(world: World) -> None:
    world.save(schedule())
    world.put(replace(world.state(), execution_id="gone"))
    world.tick(HOUR)
    assert len(world.executions()) == 1


@pytest.mark.parametrize(
    ("policy", "fired", "next_at"),
    [
        ("ALL", ["2024-05-15T08:00:00Z", "2024-05-15T09:00:00Z", "2024-05-15T10:00:00Z"], at(11)),
        ("LAST", ["2024-05-15T10:00:00Z"], at(11)),
        ("NONE", [], at(11)),
    ],
)
def test_dates_missed_while_no_scheduler_ran_are_recovered_by_policy(
    world: World, policy: str, fired: list[str], next_at: datetime
) -> None:
    world.save(schedule(recoverMissedSchedules=policy))
    world.put(replace(world.state(), next_at=at(8), last_at=at(7)))
    world.tick()
    world.tick_until(lambda: world.state().next_at == next_at and not world.state().execution_id)
    assert dates(world) == fired


def test_a_date_later_than_its_maximum_delay_is_dropped(world: World) -> None:
    world.save(schedule(lateMaximumDelay="PT10M"))
    world.put(replace(world.state(), next_at=at(8)))
    world.tick()
    assert world.executions() == []
    assert world.state().next_at == at(11)
    (evaluation,) = world.app.triggers.evaluations(FLOW, "s")
    assert evaluation.outcome is Outcome.SKIPPED
    assert "lateMaximumDelay" in evaluation.reason


def test_a_condition_that_cannot_be_rendered_leaves_a_failed_execution(world: World) -> None:
    condition = {"type": "io.kestra.plugin.core.condition.Expression", "expression": "{{ nope }}"}
    world.save(schedule(conditions=[condition]))
    world.tick(2 * HOUR)
    (execution,) = world.executions()[:1]
    assert execution.state is State.FAILED
    lines = world.app.search.lines(LogFilter(execution_id=execution.id, level=Level.ERROR))
    assert "Unable to evaluate the Schedule trigger 's'" in lines[0].line.message
    assert world.state().outcome is Outcome.FAILED


def test_inputs_that_cannot_be_rendered_leave_a_failed_execution(world: World) -> None:
    world.save(schedule(inputs={"taxi": "{{ nope }}"}), inputs=[{"id": "taxi", "type": "STRING"}])
    world.tick(HOUR)
    (execution,) = world.executions()
    assert execution.state is State.FAILED
    assert "nope" in (execution.error or "")


def test_a_failed_start_wakes_flow_triggers_that_wait_for_failures(world: World) -> None:
    alert = type(FLOW)("company", "alert")
    listener = {"id": "l", "type": "io.kestra.plugin.core.trigger.Flow", "states": ["FAILED"]}
    world.save(listener, flow=alert)
    world.save(schedule(inputs={"taxi": "{{ nope }}"}))
    world.tick(HOUR)
    world.wait(lambda: len(world.executions(alert)) == 1)


def test_a_switched_off_schedule_keeps_its_date_and_goes_on_from_now_when_switched_on(
    world: World,
) -> None:
    world.save(schedule())
    assert world.app.triggers.set_disabled(FLOW, "s", True)
    world.tick(5 * HOUR)
    assert world.executions() == []
    assert world.state().next_at == at(11)
    world.app.triggers.set_disabled(FLOW, "s", False)
    assert world.state().next_at == at(16)
    world.tick()
    assert world.executions() == []


@pytest.mark.parametrize("where", ["flow", "trigger"])
def test_what_the_source_switches_off_does_not_fire(world: World, where: str) -> None:
    if where == "flow":
        world.save(schedule(), disabled=True)
    else:
        world.save(schedule(disabled=True))
    world.tick(2 * HOUR)
    assert world.executions() == []


def test_stop_after_switches_the_trigger_off_when_an_execution_ends_so(world: World) -> None:
    world.save(schedule(stopAfter=["FAILED"]), tasks=[FAIL])
    world.tick(HOUR)
    world.settle()
    world.wait(lambda: world.state().disabled)
    world.tick(HOUR)
    assert len(world.executions()) == 1


def test_a_changed_expression_moves_the_next_date_but_loses_none_that_is_due(world: World) -> None:
    world.save(schedule())
    world.save(schedule("30 * * * *"))
    assert world.state().next_at == at(10, 30)
    world.clock.advance(timedelta(minutes=15))
    world.save(schedule("*/10 * * * *"))
    assert world.state().next_at == at(10, 30)


def test_a_changed_input_leaves_the_next_date_alone(world: World) -> None:
    world.save(schedule())
    world.put(replace(world.state(), next_at=at(9)))
    world.save(schedule(inputs={"taxi": "red"}))
    assert world.state().next_at == at(9)
    assert world.state().revision == 2


def test_triggers_go_with_their_flow(world: World) -> None:
    world.save(schedule())
    world.save()
    assert world.app.triggers.of_flow(FLOW) == []
    world.save(schedule())
    world.app.flows.delete(FLOW)
    assert world.app.triggers.of_flow(FLOW) == []


def test_the_next_dates_of_a_trigger_respect_its_conditions_and_zone(world: World) -> None:
    weekend = {"type": "io.kestra.plugin.core.condition.Weekend"}
    world.save(schedule("0 9 * * *", timezone="America/New_York", conditions=[weekend]))
    found = world.app.triggers.next_dates(FLOW, "s", 3)
    assert [date.isoformat() for date in found] == [
        "2024-05-18T09:00:00-04:00",
        "2024-05-19T09:00:00-04:00",
        "2024-05-25T09:00:00-04:00",
    ]


def test_a_flow_that_no_longer_parses_does_not_stop_other_triggers(world: World) -> None:
    broken = type(FLOW)("company", "broken")
    world.save(schedule(), flow=broken)
    world.save(schedule())
    with world.app.database.write() as tx:
        head = flow_rows.latest(tx, broken)
        flow_rows.add_revisions(tx, [replace(head, revision=2, source="id: broken")])
    world.put(replace(world.state(flow=broken), revision=2))
    world.tick(HOUR)
    assert len(world.executions()) == 1
    assert world.state(flow=broken).outcome is Outcome.FAILED
    (line,) = world.app.search.lines(LogFilter(trigger_id="s", level=Level.ERROR))
    assert "company.broken/s" in line.line.message


def test_listed_dates_fire_each_once(world: World) -> None:
    listed = ["2024-05-15T10:00:00Z", "2024-05-15T12:00:00+01:00", "2024-05-15T10:00:00Z"]
    world.save(
        {"id": "s", "type": "io.kestra.plugin.core.trigger.ScheduleOnDates", "dates": listed}
    )
    world.tick()
    world.settle()
    world.tick(HOUR)
    world.settle()
    assert dates(world) == ["2024-05-15T10:00:00Z", "2024-05-15T12:00:00+01:00"]
    assert world.state().next_at is None
