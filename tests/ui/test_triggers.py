"""Triggers on the pages: when they fire, the switch, and backfills from form to progress."""

from datetime import UTC, datetime

import pytest

from mainstem.model.trigger import BackfillState, TriggerKey
from tests.ui import seed
from tests.ui.html import Document, faults
from tests.ui.site import Site

TAXI = "/ui/flows/edit/zoomcamp/taxi_month"
FORM = f"{TAXI}/backfill?trigger=green_schedule"
WINDOW = {
    "trigger": "green_schedule", "start": "2026-01-01T00:00", "end": "2026-03-31T00:00",
    "max_active": "2", "order": "newest", "policy": "missing", "labels": "backfill:true",
}  # fmt: skip


def test_a_schedule_is_said_in_words_with_its_next_dates_in_its_own_zone(site: Site) -> None:
    text = site.get(f"{TAXI}/triggers")
    assert "At 09:00 on day 1 of the month" in text
    assert "2026-12-01 09:00 EST" in text
    assert "in 8 d" in text or "in 7 d" in text


def test_the_list_of_triggers_begins_with_the_next_one(site: Site) -> None:
    root = Document(site.get("/ui/triggers")).root
    rows = [row.text for row in root.all("tr")][1:]
    assert rows[0].startswith("hourly freshness")
    assert "Every hour at minute 15 on weekdays" in rows[0]
    assert len(rows) == 5


def test_a_trigger_is_switched_off_and_on(site: Site) -> None:
    def switch(disabled: str) -> None:
        data = {"trigger": "yellow_schedule", "disabled": disabled}
        assert site.post(f"{TAXI}/_toggle", data).status_code == 303

    switch("true")
    assert not site.app.triggers.get(seed.TAXI, "yellow_schedule").is_on
    assert "yellow_schedule is switched off" in site.get(f"{TAXI}/triggers")
    assert "Switched off: it does not fire" in site.get(f"{TAXI}/_triggers")
    switch("false")
    assert site.app.triggers.get(seed.TAXI, "yellow_schedule").is_on


def test_an_unknown_trigger_is_not_found(site: Site) -> None:
    data = {"trigger": "none", "disabled": "true"}
    assert site.post(f"{TAXI}/_toggle", data).status_code == 404
    assert site.browser.get(f"{TAXI}/backfill?trigger=none").status_code == 404


def test_a_preview_shows_each_date_and_starts_nothing(site: Site) -> None:
    response = site.post(f"{FORM}&preview=1", WINDOW)
    assert response.status_code == 200
    assert faults(response.text) == []
    assert "3 executions" in response.text
    assert site.app.triggers.open_backfills() == {}


def test_a_backfill_is_started_paused_resumed_and_cancelled(site: Site) -> None:
    response = site.post(FORM, WINDOW)
    assert response.headers["location"] == f"{TAXI}/triggers"
    key = TriggerKey(seed.TAXI, "green_schedule")
    item = site.app.triggers.backfills.open_of(key)
    assert item is not None
    assert (item.total, item.max_active, item.newest_first) == (3, 2, True)
    assert item.start == datetime(2026, 1, 1, 5, tzinfo=UTC)
    assert item.labels == {"backfill": "true"}
    assert item.inputs == {}
    assert "0 of 3 dates" in site.get(f"{TAXI}/_triggers")
    assert "backfill 0/3" in site.get("/ui/triggers")
    for action, state in (
        ("pause", BackfillState.PAUSED),
        ("resume", BackfillState.RUNNING),
        ("cancel", BackfillState.CANCELLED),
    ):
        site.post(f"{TAXI}/_backfill", {"id": item.id, "action": action})
        assert site.app.triggers.backfills.get(item.id).state is state


def test_only_inputs_that_were_changed_are_given_to_a_backfill(site: Site) -> None:
    site.post(FORM, {**WINDOW, "in.taxi": "yellow"})
    item = site.app.triggers.backfills.open_of(TriggerKey(seed.TAXI, "green_schedule"))
    assert item is not None
    assert item.inputs == {"taxi": "yellow"}
    site.app.triggers.backfills.cancel(item.id)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"start": ""}, "from when"),
        ({"start": "soon"}, "is not a date and time"),
        ({"end": "2025-01-01T00:00"}, "before it starts"),
        ({"start": "2030-01-01T00:00", "end": "2030-02-01T00:00"}, "in the future"),
        ({"max_active": "0"}, "max active must be"),
        ({"max_active": "many"}, "must be a number"),
        ({"labels": "nonsense"}, "must read key:value"),
    ],
)
def test_a_wrong_window_comes_back_with_its_reason(
    site: Site, change: dict[str, str], said: str
) -> None:
    response = site.post(FORM, {**WINDOW, **change})
    assert response.status_code == 422
    assert faults(response.text) == []
    assert said in response.text
    assert site.app.triggers.open_backfills() == {}
