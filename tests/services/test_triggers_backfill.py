"""Backfills: a window of the past, one execution per slot."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mainstem.errors import Conflict, InvalidInput
from mainstem.model.execution import Execution
from mainstem.model.state import State
from mainstem.model.trigger import BackfillPolicy, BackfillState, TriggerKey
from mainstem.services.backfills import NewBackfill
from tests.services.trigger_world import FAIL, FLOW, NOW, PAUSE, World, date_of, schedule

HOUR = timedelta(hours=1)
WINDOW = ("2024-05-10T00:00+00:00", "2024-05-10T02:00+00:00")
SLOTS = ["2024-05-10T00:00:00Z", "2024-05-10T01:00:00Z", "2024-05-10T02:00:00Z"]
TAXI = [{"id": "taxi", "type": "STRING", "defaults": "yellow"}]
FAILS_ON_DEMAND = {
    "id": "fail",
    "type": "io.kestra.plugin.core.execution.Fail",
    "condition": "{{ inputs.taxi == 'bad' }}",
}


def dates(world: World) -> list[str]:
    return [date_of(item) for item in world.executions()]


def run(world: World, wanted: NewBackfill) -> str:
    """Run a backfill to its end."""
    made = world.app.triggers.backfills.create(wanted)
    state = lambda: world.app.triggers.backfills.get(made.id).state  # noqa: E731
    world.tick_until(lambda: state() is BackfillState.DONE)
    return made.id


def test_a_month_fires_one_execution_per_slot_with_inputs_and_labels(world: World) -> None:
    world.save(schedule("0 9 * * *", inputs={"taxi": "green"}), inputs=TAXI)
    made = run(
        world,
        world.backfill(
            "2024-03-01T00:00+00:00",
            "2024-03-31T23:59+00:00",
            inputs={"taxi": "{{ trigger.date | date('dd') }}"},
            labels={"backfill": "true"},
            max_active=8,
        ),
    )
    found = world.executions()
    assert [date_of(item) for item in found] == [
        f"2024-03-{day:02}T09:00:00Z" for day in range(1, 32)
    ]
    assert [item.inputs["taxi"] for item in found] == [f"{day:02}" for day in range(1, 32)]
    assert {item.labels["backfill"] for item in found} == {"true"}
    assert {item.labels["system.backfill"] for item in found} == {made}
    progress = world.app.triggers.backfills.progress(made)
    assert (progress.backfill.total, progress.backfill.fired, progress.counts.succeeded) == (
        31,
        31,
        31,
    )


def test_the_schedule_itself_stays_where_it_was(world: World) -> None:
    world.save(schedule())
    before = world.state()
    run(world, world.backfill(*WINDOW))
    assert world.state() == before


def test_both_ends_of_a_window_belong_to_it_and_newest_first_turns_it_round(world: World) -> None:
    world.save(schedule())
    order: list[str] = []
    seen: set[str] = set()
    made = world.app.triggers.backfills.create(world.backfill(*WINDOW, newest_first=True))

    def look() -> bool:
        for item in world.executions():
            if item.id not in seen:
                seen.add(item.id)
                order.append(date_of(item))
        return world.app.triggers.backfills.get(made.id).state is BackfillState.DONE

    world.tick_until(look)
    assert order == SLOTS[::-1]


def test_no_more_than_max_active_run_at_a_time(world: World) -> None:
    world.save(schedule(), tasks=[PAUSE])
    world.app.triggers.backfills.create(world.backfill(*WINDOW, max_active=2))
    for _ in range(3):
        world.tick()
    paused = world.settle()
    assert dates(world) == SLOTS[:2]
    world.app.executions.resume(paused[0].id)
    world.wait(lambda: world.app.executions.get(paused[0].id).state.is_terminal)
    world.tick()
    assert dates(world) == SLOTS


def test_a_backfill_works_on_a_schedule_that_is_switched_off(world: World) -> None:
    world.save(schedule())
    world.app.triggers.set_disabled(FLOW, "s", True)
    run(world, world.backfill(*WINDOW))
    assert dates(world) == SLOTS


def test_a_paused_backfill_fires_nothing_until_it_is_resumed(world: World) -> None:
    world.save(schedule())
    backfills = world.app.triggers.backfills
    made = backfills.create(world.backfill(*WINDOW))
    backfills.pause(made.id)
    for _ in range(5):
        world.tick(HOUR / 60)
    assert world.executions() == []
    backfills.resume(made.id)
    world.tick_until(lambda: backfills.get(made.id).state is BackfillState.DONE)
    assert dates(world) == SLOTS


def test_a_cancelled_backfill_strands_nothing(world: World) -> None:
    world.save(schedule(), tasks=[PAUSE])
    backfills = world.app.triggers.backfills
    made = backfills.create(world.backfill(*WINDOW))
    world.tick()
    (paused,) = world.settle()
    assert backfills.cancel(made.id).state is BackfillState.CANCELLED
    world.tick()
    world.app.executions.resume(paused.id)
    world.wait(lambda: world.app.executions.get(paused.id).state is State.SUCCESS)
    world.tick()
    assert dates(world) == SLOTS[:1]
    again = backfills.create(world.backfill(*WINDOW, max_active=3))
    world.tick()
    assert dates(world) == SLOTS
    assert backfills.get(again.id).skipped == 1


def test_cancelling_may_kill_what_runs(world: World) -> None:
    world.save(schedule(), tasks=[PAUSE])
    made = world.app.triggers.backfills.create(world.backfill(*WINDOW))
    world.tick()
    (paused,) = world.settle()
    world.app.triggers.backfills.cancel(made.id, kill=True)
    world.wait(lambda: world.app.executions.get(paused.id).state is State.KILLED)


def second(world: World, policy: BackfillPolicy) -> list[Execution]:
    """Two good days and a bad one between them, then the three days again under a policy."""
    world.save(schedule(), inputs=TAXI, tasks=[FAILS_ON_DEMAND])
    bad = "{{ trigger.date | date('HH') == '01' ? 'bad' : 'good' }}"
    run(world, world.backfill(*WINDOW, inputs={"taxi": bad}))
    before = {item.id for item in world.executions()}
    longer = ("2024-05-10T00:00+00:00", "2024-05-10T03:00+00:00")
    run(world, world.backfill(*longer, policy=policy, inputs={"taxi": "good"}))
    return [item for item in world.executions() if item.id not in before]


@pytest.mark.parametrize(
    ("policy", "hours"),
    [
        (BackfillPolicy.MISSING, ["03"]),
        (BackfillPolicy.FAILED, ["01", "03"]),
        (BackfillPolicy.ALL, ["00", "01", "02", "03"]),
    ],
)
def test_the_policy_says_which_slots_run_again(
    world: World, policy: BackfillPolicy, hours: list[str]
) -> None:
    assert [date_of(item)[11:13] for item in second(world, policy)] == hours


def test_a_slot_that_the_schedule_fired_itself_is_not_missing(world: World) -> None:
    world.save(schedule())
    world.tick(HOUR)
    world.settle()
    world.clock.advance(2 * HOUR)
    world.tick()
    plan = world.app.triggers.backfills.preview(
        world.backfill("2024-05-15T11:00+00:00", "2024-05-15T11:30+00:00")
    )
    assert [(slot.runs, slot.state) for slot in plan.slots] == [(False, State.SUCCESS)]


def test_a_preview_says_what_would_happen_to_each_slot_and_begins_nothing(world: World) -> None:
    world.save(schedule())
    run(world, world.backfill(WINDOW[0], "2024-05-10T00:30+00:00"))
    plan = world.app.triggers.backfills.preview(world.backfill(*WINDOW))
    assert [(slot.slot.hour, slot.runs, slot.reason) for slot in plan.slots] == [
        (0, False, "has an execution (SUCCESS)"),
        (1, True, "has no execution"),
        (2, True, "has no execution"),
    ]
    assert (plan.runs, plan.skips) == (2, 1)
    assert len(world.executions()) == 1


def test_slots_are_those_for_which_the_conditions_hold(world: World) -> None:
    weekend = {"type": "io.kestra.plugin.core.condition.Weekend"}
    world.save(schedule("0 9 * * *", conditions=[weekend]))
    run(world, world.backfill("2024-05-06T00:00+00:00", "2024-05-14T00:00+00:00", max_active=5))
    assert dates(world) == ["2024-05-11T09:00:00Z", "2024-05-12T09:00:00Z"]


def test_moments_without_a_zone_are_in_that_of_the_schedule(world: World) -> None:
    world.save(schedule("0 9 1 * *", timezone="America/New_York"))
    plan = world.app.triggers.backfills.preview(
        world.backfill("2024-03-01T09:00:00", "2024-04-01T09:00:00")
    )
    assert [slot.slot for slot in plan.slots] == [
        datetime(2024, 3, 1, 14, tzinfo=UTC),
        datetime(2024, 4, 1, 13, tzinfo=UTC),
    ]


def test_a_window_that_reaches_into_the_future_ends_now(world: World) -> None:
    world.save(schedule())
    plan = world.app.triggers.backfills.preview(
        world.backfill("2024-05-15T09:00+00:00", "2030-01-01T00:00+00:00")
    )
    assert [slot.slot.hour for slot in plan.slots] == [9, 10]


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2024-05-10T02:00+00:00", "2024-05-10T01:00+00:00", "swap"),
        ("2025-05-10T02:00+00:00", "2025-05-11T01:00+00:00", "future"),
        ("1990-05-10T02:00+00:00", "2024-05-11T01:00+00:00", "more than"),
    ],
)
def test_an_impossible_window_is_refused(world: World, start: str, end: str, said: str) -> None:
    world.save(schedule())
    with pytest.raises(InvalidInput, match=said):
        world.app.triggers.backfills.create(world.backfill(start, end))


def test_only_schedules_can_be_backfilled(world: World) -> None:
    world.save({"id": "w", "type": "io.kestra.plugin.core.trigger.Webhook", "key": "k"})
    with pytest.raises(InvalidInput, match="only schedules have dates"):
        world.app.triggers.backfills.create(world.backfill(*WINDOW, trigger="w"))


def test_a_second_backfill_of_a_trigger_waits_for_the_first_to_end(world: World) -> None:
    world.save(schedule())
    first = world.app.triggers.backfills.create(world.backfill(*WINDOW))
    with pytest.raises(Conflict, match=first.id):
        world.app.triggers.backfills.create(world.backfill(*WINDOW))


def test_failed_executions_do_not_stop_a_backfill_and_are_counted(world: World) -> None:
    world.save(schedule(), tasks=[FAIL])
    made = run(world, world.backfill(*WINDOW))
    counts = world.app.triggers.backfills.progress(made).counts
    assert (counts.running, counts.succeeded, counts.failed) == (0, 0, 3)


def test_inputs_that_cannot_be_rendered_give_failed_executions(world: World) -> None:
    world.save(schedule(), inputs=TAXI)
    made = run(world, world.backfill(*WINDOW, inputs={"taxi": "{{ nope }}"}))
    assert [item.state for item in world.executions()] == [State.FAILED] * 3
    assert world.app.triggers.backfills.progress(made).counts.failed == 3


def test_a_disabled_flow_pauses_its_backfill_and_loses_no_slot(world: World) -> None:
    world.save(schedule())
    backfills = world.app.triggers.backfills
    made = backfills.create(world.backfill(*WINDOW))
    world.save(schedule(), disabled=True)
    world.tick()
    held = backfills.get(made.id)
    assert held.state is BackfillState.PAUSED
    assert "disabled" in (held.reason or "")
    world.save(schedule())
    backfills.resume(made.id)
    world.tick_until(lambda: backfills.get(made.id).state is BackfillState.DONE)
    assert dates(world) == SLOTS


def test_a_backfill_of_a_trigger_that_is_removed_is_cancelled(world: World) -> None:
    world.save(schedule())
    made = world.app.triggers.backfills.create(world.backfill(*WINDOW))
    world.save()
    found = world.app.triggers.backfills.get(made.id)
    assert found.state is BackfillState.CANCELLED
    world.tick()
    assert world.executions() == []


def test_a_process_that_dies_in_the_middle_goes_on_with_the_next_slot(tmp_path: Path) -> None:
    dying = World(tmp_path / "state", executor=False)
    dying.save(schedule())
    made = dying.app.triggers.backfills.create(dying.backfill(*WINDOW))
    dying.tick()
    assert dates(dying) == SLOTS[:1]
    dying.app.database.close()

    later = World(tmp_path / "state", now=NOW)
    try:
        done = lambda: later.app.triggers.backfills.get(made.id).state  # noqa: E731
        later.tick_until(lambda: done() is BackfillState.DONE)
        assert dates(later) == SLOTS
        assert {item.state for item in later.executions()} == {State.SUCCESS}
    finally:
        later.close()


def test_backfills_are_listed_newest_first_with_the_open_ones_apart(world: World) -> None:
    world.save(schedule())
    first = run(world, world.backfill(*WINDOW))
    world.clock.advance(HOUR)
    other = world.app.triggers.backfills.create(world.backfill(*WINDOW))
    key = TriggerKey(FLOW, "s")
    assert [item.id for item in world.app.triggers.backfills.of_trigger(key)] == [other.id, first]
    assert list(world.app.triggers.open_backfills()) == [key]
