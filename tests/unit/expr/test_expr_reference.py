"""Details in which the reference's Java shows: each was compared with what it renders."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mainstem.expr import Float32, Long
from tests.unit.expr.rendering import fault, show, value

PARIS = datetime(2024, 8, 5, 21, 7, 9, 250_000, tzinfo=ZoneInfo("Europe/Paris"))
DATA: dict[str, Any] = {
    "box": {"w": 4, "h": None, "tags": ["x", {"y": 1.0}]},
    "row": ["a", None, True, 2.5],
    "word": "Taxi",
    "gap": None,
    "when": PARIS,
}


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("box", '{"w":4,"tags":["x",{"y":1.0}]}'),
        ("'' ~ box", "{w=4, h=null, tags=[x, {y=1.0}]}"),
        ("row ~ ''", "[a, null, true, 2.5]"),
        ("'' + row", "[a, null, true, 2.5]"),
        ("gap ~ word", "Taxi"),
        ("gap + word", "nullTaxi"),
        ("row | upper", "[A, NULL, TRUE, 2.5]"),
        ("box | indent(3)", "{w=4, h=null, tags=[x, {y=1.0}]}"),
        ("[row, [1]] | join('; ')", "[a, null, true, 2.5]; [1]"),
        ("box | substringAfter('tags=')", "[x, {y=1.0}]}"),
        ("[when] ~ ''", "[2024-08-05T21:07:09.250+02:00[Europe/Paris]]"),
        ("[big] ~ ''", "[1E+3]"),
        ("box | slugify", "w4-hnull-tagsx-y10"),
        ("'[a, null, true, 2.5]' contains row", "true"),
    ],
)
def test_maps_and_lists_print_as_json_but_join_text_as_java_writes_them(
    expression: str, text: str
) -> None:
    assert value(expression, **DATA, big=Decimal("1E+3")) == text


def test_a_loop_over_a_map_goes_through_its_entries() -> None:
    loop = "{% for e in m %}{{ e.key }}-{{ e.value }} {{ e }} {{ [e] }};{% endfor %}"
    assert show(loop, m={"a": 1, "b": [2]}) == 'a-1 a=1 [{"a":1}];b-[2] b=[2] [{"b":[2]}];'
    assert value("[1] | merge({'k': 2})") == '[1,{"k":2}]'
    assert value("([1] | merge({'k': 2}) | last).value") == "2"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("word.length()", "4"),
        ("word.length", "4"),
        ("word.toUpperCase() ~ word.substring(1, 3)", "TAXIax"),
        ("word.empty or word.blank", "false"),
        ("word.charAt(2)", "x"),
        ("word.indexOf('x') ~ word.lastIndexOf('z')", "2-1"),
        ("word.replace('a', 'oo').replaceAll('[ix]', '<$0>')", "Too<x><i>"),
        ("word.split('x')", '["Ta","i"]'),
        ("word.matches('T.*')", "true"),
        ("word.equalsIgnoreCase('TAXI') and not word.equals('TAXI')", "true"),
        ("(word.contains('ax') and word.startsWith('T')) ? word.concat('s') : ''", "Taxis"),
        ("' x '.trim() ~ ' y'.strip() ~ 'z'.repeat(2)", "xyzz"),
        ("row.size", "4"),
        ("row.size() ~ row.get(0) ~ row.indexOf(true)", "4a2"),
        ("row.subList(0, 2)", '["a",null]'),
        ("row.contains(2.5) and not row.isEmpty()", "true"),
        ("box.size() ~ box.get('w') ~ box.getOrDefault('q', 9)", "349"),
        ("box.keySet() ~ box.containsKey('h') ~ box.containsValue(4)", "[w, h, tags]truetrue"),
        ("box.entrySet()[0]", "w=4"),
        ("box.values() | length", "3"),
        ("box.toString()", "{w=4, h=null, tags=[x, {y=1.0}]}"),
        ("(7).doubleValue() ~ ' ' ~ (7.9).intValue()", "7.0 7"),
        ("when.year ~ when.monthValue ~ when.dayOfWeek ~ when.month", "20248MONDAYAUGUST"),
        ("when.plusDays(30).minusHours(1)", "2024-09-04T20:07:09.250+02:00[Europe/Paris]"),
        ("when.toLocalDate().plusMonths(6)", "2025-02-05"),
        ("when.toInstant()", "2024-08-05T19:07:09.250Z"),
        ("when.toEpochSecond()", "1722884829"),
        ("span.toMinutes()", "90"),
        ("missing.size() ?? 'none'", "none"),
        ("word.unknown() ?? 'none'", "none"),
        ("word.unknown ?? 'none'", "none"),
        ("gap.length() ?? 'none'", "none"),
    ],
)
def test_methods_and_properties_of_values(expression: str, text: str) -> None:
    assert value(expression, **DATA, span=timedelta(minutes=90)) == text


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("word.substring(9)", "within its 4 characters"),
        ("word.substring()", "can't be called with these arguments"),
        ("word.substring('1')", "`beginIndex` must be an integer"),
        ("word.length(unit='x')", "can't be named"),
        ("row.get(4)", "no element of that index"),
        ("word.replaceAll('(', '')", "regular expression can't be read"),
        ("when.plusYears(9000)", "years 1 to 9999"),
        ("day.toEpochSecond()", "Unable to find `toEpochSecond`"),
    ],
)
def test_misused_methods_are_faults(expression: str, words: str) -> None:
    assert words in fault("{{ " + expression + " }}", **DATA, day=date(2024, 8, 5))


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("'aXbXc' | substringBefore('')", ""),
        ("'aXbXc' | substringBefore(null)", "aXbXc"),
        ("'aXbXc' | substringAfter('')", "aXbXc"),
        ("'aXbXc' | substringAfter(null)", ""),
        ("'aXbXc' | substringBeforeLast('')", "aXbXc"),
        ("'aXbXc' | substringAfterLast('')", ""),
        ("'aXbXc' | substringAfterLast('X')", "c"),
        ("'ßeta gamma' | title", "ßeta Gamma"),
        ("'TWFpbg' | base64decode", "Main"),
        ("'//79' | base64decode", "\ufffd\ufffd\ufffd"),
        ("'x' | upper(1)", "X"),
        ("'' is empty(1)", "true"),
        ("gap | chunk", ""),
        ("gap | escapeChar", ""),
        ("[1] | merge", "[1]"),
        ("'0x1p-1' | number('DOUBLE')", "0.5"),
        ("'Infinity' | number('DOUBLE')", "Infinity"),
        ("'-017' | number", "-15"),
        ('"a\\"#{1 + 1}\\""', 'a\\"2\\"'),
    ],
)
def test_edges_of_filters(expression: str, text: str) -> None:
    assert value(expression, gap=None) == text


@pytest.mark.parametrize(
    "expression",
    ["'089' | number", "'inf' | number('DOUBLE')", "'1_0' | number", "9223372036854775808"],
)
def test_numbers_that_java_does_not_read(expression: str) -> None:
    assert "number" in fault("{{ " + expression + " }}")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("", "true"),
        (" \n", "true"),
        ("[1] and more", "true"),
        ("{} {}", "true"),
        ("1 2", "true"),
        ("1x", "false"),
        ("nullify", "false"),
        ("NaN", "false"),
        ("{'a': 1}", "false"),
        ("[1,]", "false"),
    ],
)
def test_json_is_one_value_and_whatever_follows_it(text: str, answer: str) -> None:
    assert value("t is json", t=text) == answer


def test_only_the_first_json_value_is_read() -> None:
    assert value("fromJson(t).a", t='{"a": 3} {"a": 4}') == "3"
    assert "not JSON" in fault("{{ fromJson('') }}")
    assert value("t | toJson", t="\x1b\x00\x1f\\u001b") == '"\\u001B\\u0000\\u001F\\\\u001b"'
    assert value("[d] | toJson", d=timedelta(0)) == "[0.0]"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("tab\t nul\0 esc\x1b del\x7f", '"tab\\t nul\\0 esc\\x1b del\\x7f"'),
        ({"it's": 'say "x"'}, '{\'it\\\'s\':"say \\"x\\""}'),
        (Decimal("1.5E+3"), "15d2"),
        (Decimal(12), "12."),
        (Decimal("12.50"), "12.50"),
        (timedelta(seconds=90, microseconds=500_000), "90.500000000"),
        ([Float32(0.5), Long(7), None], "[0.5e0,7,null]"),
        (b"hi", "{{aGk=}}"),
    ],
)
def test_ion_text(data: object, text: str) -> None:
    assert value("d | toIon", d=data) == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("'iso_zoned_date_time', 'UTC'", "2024-08-05T19:07:09.25Z[UTC]"),
        ("'iso_date_time'", "2024-08-05T19:07:09.25Z[UTC]"),
        ("'iso_zoned_date_time', 'Z'", "2024-08-05T19:07:09.25Z"),
        ("'iso_zoned_date_time', 'GMT+3'", "2024-08-05T22:07:09.25+03:00[GMT+03:00]"),
        ("'VV zzz xxx', 'UTC-2'", "UTC-02:00 UTC-02:00 -02:00"),
        ("'VV', 'UT'", "UT"),
        ("'zzzz'", "Coordinated Universal Time"),
        ("'zzzz', 'Europe/Paris'", "Central European Summer Time"),
        ("'zzzz', locale='de'", "Koordinierte Weltzeit"),
        ("'O ZZZZ', '+01:02:03'", "GMT+1:02:03 GMT+01:02:03"),
        ("'rfc_1123_date_time', '+01:02:03'", "Mon, 5 Aug 2024 20:09:12 +0102"),
        ("'QQQQQ g'", "3 60527"),
        ("'w e', locale='de'", "32 2"),
        ("'w e', locale='de_DE'", "32 1"),
        ("'ccc', locale='de'", "Mo"),
        ("''", ""),
        ("'ppH', 'Asia/Tokyo'", " 4"),
    ],
)
def test_dates_in_zones_and_languages(arguments: str, text: str) -> None:
    assert value(f"when | date({arguments})", when=PARIS) == text


@pytest.mark.parametrize(
    "pattern", ["ddd", "HHH", "WW", "FF", "V", "OO", "cc", "vv", "aa", "pp", "p'x'"]
)
def test_patterns_with_a_wrong_number_of_letters_are_faults(pattern: str) -> None:
    assert "pattern" in fault("{{ when | date(p) }}", when=PARIS, p=pattern)


@pytest.mark.parametrize(
    ("text", "pattern", "moment"),
    [
        ("31.02.2023", "dd.MM.yyyy", "2023-02-28T00:00:00Z"),
        ("2023-W07-3", "YYYY-'W'ww-e", "2023-02-14T00:00:00Z"),
        ("2023-06-01 Asia/Tokyo", "yyyy-MM-dd VV", "2023-06-01T00:00:00Z"),
        ("2023-06-01 09:00 Asia/Tokyo", "yyyy-MM-dd HH:mm VV", "2023-06-01T00:00:00Z"),
        ("Thu 1 Jun 2023", "EEE d MMM yyyy", "2023-06-01T00:00:00Z"),
    ],
)
def test_dates_read_by_a_pattern(text: str, pattern: str, moment: str) -> None:
    read = value("t | date('iso_sec', existingFormat=p)", t=text, p=pattern)
    assert read == moment


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("Fri 1 Jun 2023", "EEE d MMM yyyy"),
        ("32.01.2023", "dd.MM.yyyy"),
        ("20230601", "iso_date"),
        ("2023152", "iso_ordinal_date"),
    ],
)
def test_texts_that_contradict_their_pattern_are_faults(text: str, pattern: str) -> None:
    assert "format" in fault("{{ t | date(existingFormat=p) }}", t=text, p=pattern)


def test_a_local_time_that_the_clocks_skip_moves_on() -> None:
    skipped = datetime(2024, 3, 31, 2, 30)  # noqa: DTZ001 - a local time is meant
    shown = value("t | date('iso_sec', 'Europe/Paris')", t=skipped)
    assert shown == "2024-03-31T03:30:00+02:00"
    assert value("t | date('iso_sec', 'Europe/Paris')", t="2024-10-27T02:30:00").endswith("+02:00")


def test_a_list_is_never_equal_to_a_map() -> None:
    assert value("[1] == {'a': 1} or {} equals [] or [[1]] == [{'a': 1}]") == "false"
    assert value("[[1], {'a': [2]}] == [[1], {'a': [2]}]") == "true"


TRIPS: dict[str, Any] = {
    "trips": [
        {"id": 10, "miles": 2.0, "tags": ["a", "b"], "none": None},
        {"id": 20, "miles": 0.5, "tags": []},
    ],
    "at": PARIS,
    "big": 9007199254740993,
    "price": Decimal("12.50"),
}


@pytest.mark.parametrize(
    ("program", "results"),
    [
        (".trips[].miles", "[2.0,0.5]"),
        (".trips[0] | .miles, .id", "[2.0,10]"),
        (".trips[-1].tags", "[[]]"),
        (".trips[9].tags[0]", "[null]"),
        ('.trips[0]["tags"][1:]', '[["b"]]'),
        ('."big"', "[9007199254740993]"),
        (".trips[0].tags[]?, .big[]?", '["a","b"]'),
        (".missing.deeper?", "[null]"),
        (".at", '["2024-08-05T19:07:09.25Z"]'),
        (".price", "[12.5]"),
        (".trips[0] | .[]", '[10,2.0,["a","b"]]'),
        ("[2, .trips[0].miles]", "[[2,2]]"),
        (".trips | map(.miles)", "[[2.0,0.5]]"),
        ("[.trips[] | select(.miles > 1) | .miles]", "[[2.0]]"),
        (".trips | map(.miles) | add", "[2.5]"),
        (".trips | length", "[2]"),
        ("[leaf_paths] | length", "[9]"),
        ('"pre-x" | ltrimstr("pre-"), (1 | ltrimstr("p"))', '["x",1]'),
        ('.trips[0].tags | join("\u2028")', '["a\u2028b"]'),
    ],
)
def test_jq_keeps_numbers_that_it_does_not_compute_with(program: str, results: str) -> None:
    assert value("data | jq(p)", data=TRIPS, p=program) == results


@pytest.mark.parametrize(
    ("text", "results"), [("[1] more", "[[1]]"), ("", "[null]"), ('{"a":null}', "[{}]")]
)
def test_jq_reads_the_first_json_value_of_a_text(text: str, results: str) -> None:
    assert value("t | jq('.')", t=text) == results
    assert value("t | jq('.[]')", t='{"a": null, "b": 1}') == "[null,1]"


@pytest.mark.parametrize(
    "program", [".big.x", ".trips.x", ".at[0]", ".big[]", ".trips[", ".trips | | .x", "trips"]
)
def test_jq_programs_without_an_answer_are_faults(program: str) -> None:
    assert "jq" in fault("{{ data | jq(p) }}", data=TRIPS, p=program)


@pytest.mark.parametrize(
    ("text", "regex", "replacement", "result"),
    [
        ("Zoë 42 ٤٢", r"\w+", "-", "-ë - ٤٢"),
        ("Zoë 42 ٤٢", r"\d", "#", "Zoë ## ٤٢"),
        ("a\u00a0b c", r"\s", "_", "a\u00a0b_c"),
        ("a\u00a0b c", r"\h", "_", "a_b_c"),
        ("Zoë", r"[^\W]|[\p{Punct}ë]", ".", "..."),
        ("Zoë-Z", r"\p{Upper}|\P{Graph}", "*", "*o*-*"),
        ("x.y+z", r"\Q.y+\E", "/", "x/z"),
        ("one\r\ntwo\u2028", r".", "~", "~~~\r\n~~~\u2028"),
        ("one\ntwo", r"(?s)e.t", "E T", "onE Two"),
        ("öde", r"\bd", "D", "öDe"),
        ("aab", r"(?<x>a)\k<x>", "${x}!", "a!b"),
        ("ab", r"a*?", "-", "-a-b-"),
        ("baac", r"a*", "-", "-b--c-"),
        ("a.b", r"\.", "<$0>", "a<.>b"),
        ("ab", r"\.", "$0", "ab"),
        ("end\n", r"\Z", "!", "end!\n!"),
        ("\x1b[1m", r"\e\[1m", "", ""),
        ("a1b", r"[a-z&&[^b]]", "_", "_1b"),
    ],
)
def test_regular_expressions_are_those_of_java(
    text: str, regex: str, replacement: str, result: str
) -> None:
    assert value("t | replace({p: r}, regexp=true)", t=text, p=regex, r=replacement) == result


@pytest.mark.parametrize(
    ("text", "regex", "limit", "parts"),
    [
        ("abc", "$", 2, '["abc",""]'),
        ("abc", "", 0, '["a","b","c"]'),
        ("abc", "x*", 2, '["a","bc"]'),
        ("a1b22c", r"\d+", -1, '["a","b","c"]'),
        ("1a1", r"\d", 0, '["","a"]'),
    ],
)
def test_texts_are_split_as_java_splits(text: str, regex: str, limit: int, parts: str) -> None:
    assert value("t | split(p, n)", t=text, p=regex, n=limit) == parts
