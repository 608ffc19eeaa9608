"""Dates: what counts as one, Java's patterns, named formats, styles, locales, arithmetic."""
# ruff: noqa: E501 - a row of a table is one line

from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from mainstem.expr import ZULU, RenderOptions, render
from tests.unit.expr.rendering import fault, scope, value

PARIS = ZoneInfo("Europe/Paris")
ZONED = datetime(2013, 9, 8, 16, 19, 12, 123456, tzinfo=timezone(timedelta(hours=1)))
LOCAL = datetime(2013, 9, 8, 16, 19, 12)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2013, 9, 8, 16, 19, tzinfo=timezone(timedelta(hours=2))), "2013-09-08T16:19+02:00"),
        (datetime(2013, 9, 8, 16, 19, tzinfo=UTC), "2013-09-08T16:19:00Z"),
        (datetime(2013, 9, 8, 16, 19, tzinfo=ZULU), "2013-09-08T16:19Z"),
        (datetime(2013, 9, 8, 16, 19, 1, tzinfo=PARIS), "2013-09-08T16:19:01+02:00[Europe/Paris]"),
        (LOCAL.replace(microsecond=500_000), "2013-09-08T16:19:12.500"),
        (LOCAL.replace(microsecond=1), "2013-09-08T16:19:12.000001"),
        (date(2024, 2, 29), "2024-02-29"),
        (time(1, 0), "01:00"),
        (time(1, 2, 3), "01:02:03"),
        (timedelta(hours=25, seconds=1.5), "PT25H1.5S"),
    ],
)  # fmt: skip
def test_dates_print_as_java_prints_them(moment: object, text: str) -> None:
    assert value("d", d=moment) == text


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2013, 9, 8, 16, 19, tzinfo=timezone(timedelta(hours=2))), '"2013-09-08T14:19:00Z"'),
        (datetime(2013, 9, 8, 16, 19, tzinfo=UTC), '"2013-09-08T16:19:00Z"'),
        (LOCAL.replace(microsecond=500_000), '"2013-09-08T16:19:12.5"'),
        (date(2024, 2, 29), '"2024-02-29"'),
        (time(1, 0), '"01:00:00"'),
        (timedelta(seconds=1.5), "1.500000000"),
    ],
)  # fmt: skip
def test_dates_in_json_have_seconds_and_the_zone_of_the_server(moment: object, text: str) -> None:
    assert value("d | toJson", d=moment) == text


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("z | date(timeZone='Europe/Paris')", "2013-09-08T17:19:12.123456+02:00"),
        ("z | date", "2013-09-08T15:19:12.123456Z"),
        ("l | date(timeZone='Europe/Paris')", "2013-09-08T16:19:12.000000+02:00"),
        ("day | date(timeZone='UTC')", "2024-02-29T12:00:00.000000Z"),
        ("0 | date", "1970-01-01T00:00:00.000000Z"),
        ("'1378653552' | date('iso_sec')", "2013-09-08T15:19:12Z"),
        ("'2013-09-08T17:19+02:00' | date('iso_sec')", "2013-09-08T15:19:00Z"),
        ("'2013-09-08T17:19:12.123456789+02:00[Europe/Paris]' | date", "2013-09-08T15:19:12.123456Z"),
        ("'2013-09-08' | date('iso_sec', timeZone='+05:30')", "2013-09-08T00:00:00+05:30"),
        ("'July 24, 2001' | date('yyyy-MM-dd', existingFormat='MMMM dd, yyyy')", "2001-07-24"),
        ("'24/7/01 5:06 PM' | date('iso_sec', existingFormat='d/M/yy h:mm a')", "2001-07-24T17:06:00Z"),
        ("'20240229101530' | date('sql_seq', existingFormat='yyyyMMddHHmmss')", "2024-02-29 10:15:30"),
        ("'Thu 29 Feb 2024' | date('iso_local_date', existingFormat='EEE d MMM yyyy')", "2024-02-29"),
        ("'2024-060' | date('iso_local_date', existingFormat='iso_ordinal_date')", "2024-02-29"),
        ("'2024-W09-4' | date('iso_local_date', existingFormat='iso_week_date')", "2024-02-29"),
        ("'Tue, 8 Feb 2022 19:38:26 +0100' | date(existingFormat='rfc_1123_date_time')", "2022-02-08T18:38:26.000000Z"),
        ("'2024-02-29 10:15 Europe/Paris' | date('iso_sec', existingFormat='yyyy-MM-dd HH:mm VV')", "2024-02-29T09:15:00Z"),
        ("'2024-02-29 10:15[:30]' | replace({'[':'', ']':''}) | date('iso_sec', existingFormat='yyyy-MM-dd HH:mm[:ss]')", "2024-02-29T10:15:30Z"),
        ("'29 février 2024' | date('iso_local_date', existingFormat='d MMMM yyyy', locale='fr')", "2024-02-29"),
    ],
)  # fmt: skip
def test_many_things_count_as_a_date(expression: str, expected: str) -> None:
    assert value(expression, z=ZONED, l=LOCAL, day=date(2024, 2, 29)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("iso", "2013-09-08T17:19:12.123456+02:00"),
        ("iso_sec", "2013-09-08T17:19:12+02:00"),
        ("sql", "2013-09-08 17:19:12.123456"),
        ("sql_seq", "2013-09-08 17:19:12"),
        ("iso_date_time", "2013-09-08T17:19:12.123456+02:00[Europe/Paris]"),
        ("iso_zoned_date_time", "2013-09-08T17:19:12.123456+02:00[Europe/Paris]"),
        ("iso_date", "2013-09-08+02:00"),
        ("iso_time", "17:19:12.123456+02:00"),
        ("iso_local_date", "2013-09-08"),
        ("iso_local_time", "17:19:12.123456"),
        ("iso_local_date_time", "2013-09-08T17:19:12.123456"),
        ("iso_offset_time", "17:19:12.123456+02:00"),
        ("iso_instant", "2013-09-08T15:19:12.123456Z"),
        ("iso_ordinal_date", "2013-251+02:00"),
        ("iso_week_date", "2013-W36-7+02:00"),
        ("rfc_1123_date_time", "Sun, 8 Sep 2013 17:19:12 +0200"),
        ("short", "9/8/13, 5:19\u202fPM"),
        ("medium", "Sep 8, 2013, 5:19:12\u202fPM"),
        ("long", "September 8, 2013 at 5:19:12\u202fPM CEST"),
        ("full", "Sunday, September 8, 2013 at 5:19:12\u202fPM Central European Summer Time"),
    ],
)
def test_named_formats_and_styles(name: str, expected: str) -> None:
    assert value("z | date(f, timeZone='Europe/Paris')", z=ZONED, f=name) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("yyyy-MM", "2013-09"),
        ("yy/M/d", "13/9/8"),
        ("uuuu D DDD", "2013 251 251"),
        ("E EEE EEEE EEEEE", "Sun Sun Sunday S"),
        ("MMM MMMM MMMMM LLLL", "Sep September S September"),
        ("Q QQ QQQ QQQQ", "3 03 Q3 3rd quarter"),
        ("w ww W e ee c Y", "37 37 2 1 01 1 2013"),
        ("H HH k K h hh a", "17 17 17 5 5 05 PM"),
        ("m mm s ss S SSS SSSSSSSSS", "19 19 12 12 1 123 123456000"),
        ("A n N", "62352123 123456000 62352123456000"),
        (
            "X XX XXX x Z ZZZZ ZZZZZ O OOOO",
            "+02 +0200 +02:00 +02 +0200 GMT+02:00 +02:00 GMT+2 GMT+02:00",
        ),
        ("VV z zzzz", "Europe/Paris CEST Central European Summer Time"),
        ("G GGGG", "AD Anno Domini"),
        ("yyyy'T'HH 'o''clock'", "2013T17 o'clock"),
        ("ppH|ppppd", "17|   8"),
        ("yyyy[-MM]", "2013-09"),
        ("F", "2"),
        ("yyyyMMdd''HH", "20130908'17"),
    ],
)
def test_java_patterns(pattern: str, expected: str) -> None:
    assert value("z | date(f, timeZone='Europe/Paris')", z=ZONED, f=pattern) == expected


def test_offsets_at_zero_print_as_each_letter_says() -> None:
    assert value("0 | date('X XXX x xxx Z ZZZZ O')") == "Z Z +00 +00:00 +0000 GMT GMT"


def test_locales_beyond_english() -> None:
    assert (
        value("z | date('EEEE d MMMM yyyy', locale='fr')", z=ZONED) == "dimanche 8 septembre 2013"
    )
    assert value("z | date('EEE, d. MMM', locale='de_DE')", z=ZONED).startswith("So., 8. Sep")
    assert (
        value("z | date('short', timeZone='Europe/Paris', locale='fr')", z=ZONED)
        == "08/09/2013 17:19"
    )
    assert value("z | date('w e', locale='fr')", z=ZONED) == "37 1"
    assert value("z | date('w e', locale='fr_FR')", z=ZONED) == "36 7"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("z | dateAdd(-1, 'DAYS')", "2013-09-07T15:19:12.123456Z"),
        ("z | dateAdd(amount=2, unit='HOURS', format='HH:mm', timeZone='Europe/Paris')", "19:19"),
        ("'2024-01-31' | dateAdd(1, 'MONTHS', 'yyyy-MM-dd')", "2024-02-29"),
        ("'2024-02-29' | dateAdd(1, 'YEARS', 'yyyy-MM-dd')", "2025-02-28"),
        ("'2024-02-29' | dateAdd(-2, 'WEEKS', 'yyyy-MM-dd')", "2024-02-15"),
        ("'2024-02-29' | dateAdd(90, 'MINUTES', 'HH:mm')", "01:30"),
        ("'2024-02-29' | dateAdd(1, 'HALF_DAYS', 'HH')", "12"),
        ("'2024-02-29' | dateAdd(1500, 'MICROS', 'SSSSSS')", "001500"),
        ("'31/01/2024' | dateAdd(1, 'DAYS', 'iso_local_date', existingFormat='dd/MM/yyyy')", "2024-02-01"),
        ("'2024-03-30T12:00:00' | dateAdd(1, 'DAYS', 'iso_sec', 'Europe/Paris')", "2024-03-31T12:00:00+02:00"),
        ("'2024-03-30T12:00:00' | dateAdd(24, 'HOURS', 'iso_sec', 'Europe/Paris')", "2024-03-31T13:00:00+02:00"),
        ("z | timestamp", "1378653552"),
        ("z | timestamp | className", "java.lang.Long"),
        ("z | timestampMicro", "1378653552000123456"),
        ("z | timestampNano(timeZone='Europe/Paris')", "1378653552123456000"),
        ("'1969-12-31T23:59:59.5Z' | timestamp", "-1"),
        ("now()", "2024-02-29T10:15:30.500000Z"),
        ("now(timeZone='Europe/Paris')", "2024-02-29T11:15:30.500000+01:00"),
        ("now('yyyy', timeZone='UTC')", "2024"),
        ("now(format='sql_seq') | dateAdd(1, 'DAYS', 'dd', existingFormat='sql_seq')", "01"),
    ],
)  # fmt: skip
def test_dates_move_and_count(expression: str, expected: str) -> None:
    assert value(expression, z=ZONED) == expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("'yesterday' | date", "not an ISO date; `existingFormat`"),
        ("'2024-02-30' | date", "no such date"),
        ("'x' | date(existingFormat='yyyy')", "doesn't have the format `yyyy`"),
        ("true | date", "A date is expected but this is a boolean"),
        ("1.5 | date", "A date is expected but this is a number"),
        ("0 | date('iso', 'Mars/Olympus')", "no time zone `Mars/Olympus`"),
        ("0 | date('yyyy-bb')", "`b` is not a letter of date patterns"),
        ('0 | date("yyyy \'x")', "never closed"),
        ("0 | date('EEEE', locale='xx_YY')", "no locale `xx_YY`"),
        ("0 | dateAdd(1, 'days')", "`days` is not a unit"),
        ("0 | dateAdd('1', 'DAYS')", "`amount` must be an integer"),
        ("0 | dateAdd(99999, 'YEARS')", "years 1 to 9999"),
        ("0 | dateAdd", "expects an argument `amount`"),
        ("0 | date(1)", "`format` must be text"),
    ],
)
def test_misused_dates_are_faults(expression: str, words: str) -> None:
    assert words in fault("{{ " + expression + " }}")


def test_the_zone_of_the_server_is_the_default() -> None:
    paris = scope(RenderOptions(timezone=PARIS), d="2024-02-29")
    assert render("{{ d | date('iso_sec') }}", paris) == "2024-02-29T00:00:00+01:00"
    assert render("{{ now('HH') }}", paris) == "11"
