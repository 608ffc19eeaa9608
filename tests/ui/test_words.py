"""Durations, ages, sizes, cron and Markdown as readers see them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from mainstem.ui import cron, markdown
from mainstem.ui import format as words

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "–"), (0, "0 ms"), (0.34, "340 ms"), (4.21, "4.2 s"), (9.97, "10 s"),
        (59.6, "1 min 00 s"), (185, "3 min 05 s"), (3_600, "1 h 00 min"), (8_040, "2 h 14 min"),
        (277_000, "3 d 4 h"), (-5, "-5.0 s"),
    ],
)  # fmt: skip
def test_a_duration_has_two_units_at_most(seconds: float | None, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("offset", "said"),
    [
        (timedelta(seconds=2), "just now"),
        (timedelta(seconds=42), "42 s ago"),
        (timedelta(minutes=61), "1 h ago"),
        (timedelta(days=3), "3 d ago"),
        (timedelta(days=9), "2026-11-14"),
        (-timedelta(hours=2), "in 2 h"),
    ],
)
def test_an_age_is_relative_for_a_week(offset: timedelta, said: str) -> None:
    assert words.age(NOW - offset, NOW) == said


def test_moments_are_shown_in_the_readers_zone() -> None:
    assert words.moment(NOW, ZoneInfo("Europe/Berlin")) == "2026-11-23 13:00:00"
    assert words.moment(NOW, ZoneInfo("America/New_York"), seconds=False) == "2026-11-23 07:00"
    assert words.iso(NOW) == "2026-11-23T12:00:00.000Z"


@pytest.mark.parametrize(
    ("value", "said"), [(912, "912 B"), (3_400_000, "3.4 MB"), (0, "0 B"), (None, "–")]
)
def test_sizes_are_decimal(value: float | None, said: str) -> None:
    assert words.size(value) == said


def test_a_share_never_claims_everything_while_something_is_missing() -> None:
    assert words.percent(999, 1000) == "99 %"
    assert words.percent(9_999, 10_000) == "99.9 %"
    assert words.percent(10, 10) == "100 %"
    assert words.percent(0, 0) == "–"


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("0 9 * * *", "At 09:00 every day"),
        ("0 9 1 * *", "At 09:00 on day 1 of the month"),
        ("*/15 * * * *", "Every 15 minutes"),
        ("15 * * * *", "Every hour at minute 15"),
        ("@hourly", "Every hour"),
        ("30 6,18 * * 1-5", "At 06:30 and 18:30 on weekdays"),
        ("0 0 * * MON", "At 00:00 on Monday"),
        ("0 0 * * 0,6", "At 00:00 at weekends"),
        ("0 */4 * * *", "Every 4 hours"),
        ("*/5 9-17 * * *", "Every 5 minutes from 9 to 17 o'clock"),
        ("0 0 1 1 *", "At 00:00 on day 1 of the month in January"),
        ("0 0 L * *", "At 00:00 on the last day of the month"),
        ("*/10 * * * * *", "Every 10 seconds, every minute"),
        ("0 0 * * 5#2", "0 0 * * 5#2"),
        ("not a cron", "not a cron"),
        ("0 0 * * XYZ", "0 0 * * XYZ"),
    ],
)
def test_cron_is_said_in_words_or_given_back(expression: str, said: str) -> None:
    assert cron.describe(expression) == said


def test_markdown_lets_no_html_and_no_script_through() -> None:
    html = markdown.to_html(
        "# Title\n<script>alert(1)</script> [x](javascript:alert(1)) ![i](http://e/x.png) "
        "[ok](https://example.com) **b**\n\n| a |\n|---|\n| 1 |\n"
    )
    assert "<script>" not in html
    assert 'href="javascript' not in html
    assert "<img" not in html
    assert "<h3>Title</h3>" in html
    assert '<a href="https://example.com">ok</a>' in html
    assert "<table>" in html


def test_the_first_line_of_a_description_has_no_marks() -> None:
    text = "\n## Loads **green** trips, see [docs](https://e.com) and `x_y`\nmore"
    assert markdown.first_line(text) == "Loads green trips, see docs and x_y"
    assert markdown.first_line(None) == ""
