"""The page on expressions: each operator, filter, function and test, with computed results."""

from datetime import UTC, datetime
from typing import Final

from mainstem.expr import NoHost, Scope, render
from mainstem.expr.filters import FILTERS
from mainstem.expr.functions import FUNCTIONS
from mainstem.expr.methods import METHOD_NAMES
from mainstem.expr.registry import Callee
from mainstem.expr.tests import TESTS

_DATA: Final = {
    "name": "Green taxi",
    "rows": ["b", "a", "c"],
    "trip": {"miles": 2.5, "paid": True},
    "day": "2024-03-10T13:05:06Z",
    "nothing": None,
}
OPERATORS: Final = (
    ("`or`", "either holds; text that is not empty and numbers other than 0 hold", "'' or 1"),
    ("`and`", "both hold", "name and true"),
    ("`is`, `is not`", "a test, below", "name is not empty"),
    ("`contains`", "a part of text, elements of a list, a key of a map", "rows contains 'a'"),
    ("`in`, `not in`", "an element of a list; a key or value of a map", "'z' not in rows"),
    ("`==` `equals` `!=`", "numbers by value, all else by content", "1 == 1.0"),
    ("`<` `>` `<=` `>=`", "numbers only", "3 >= 2"),
    ("`+` `-`", "numbers; `+` joins if either is text, and joins lists", "rows + ['d']"),
    ("`*` `/` `%`", "numbers; integers divide to integers", "7 / 2"),
    ("`|`", "a filter, below", "name | upper"),
    ("`~`", "joins texts; null is empty", "name ~ nothing ~ '!'"),
    ("`..`", "a range of integers or letters", "1..4"),
    ("`??`", "the right side where the left is null or undefined", "missing ?? 'none'"),
    ("`???`", "the right side where the left is undefined", "missing ??? 'none'"),
    ("`not` `-` `+`", "before a value", "not (nothing is null)"),
    ("`a ? b : c`", "a choice", "trip.paid ? 'yes' : 'no'"),
)
FILTER_TEXTS: Final = {
    "abbreviate": ("cut to a length, with `...`", "name | abbreviate(8)"),
    "abs": ("without its sign", "(-3) | abs"),
    "base64decode": ("text from base64", "'VGF4aQ==' | base64decode"),
    "base64encode": ("text to base64", "'Taxi' | base64encode"),
    "capitalize": ("first letter large", "'taxi' | capitalize"),
    "chunk": ("a list of lists of that size", "rows | chunk(2)"),
    "className": ("the Java class that the reference has for the value", "1.5 | className"),
    "date": ("a date in a format, below", "day | date('yyyy-MM-dd')"),
    "dateAdd": ("a date moved by an amount of a unit, then as `date`", "day | dateAdd(1, 'DAYS')"),
    "default": ("another value for null, undefined or empty", "missing | default('none')"),
    "distinct": ("each element once", "['a', 'b', 'a'] | distinct"),
    "endsWith": ("whether text ends so", "name | endsWith('taxi')"),
    "escapeChar": (
        "quotes escaped: `single`, `double` or `shell`",
        "\"it's\" | escapeChar('shell')",
    ),
    "first": ("the first element or letter", "rows | first"),
    "flatten": ("lists in a list become one, one level deep", "[[1, 2], [3]] | flatten"),
    "indent": ("all lines but the first moved right", "'a\nb' | indent(2)"),
    "join": ("elements as one text", "rows | join('-')"),
    "jq": ("all results of a jq program, as a list", "trip | jq('.miles')"),
    "json": ("old name of `toJson`", "rows | json"),
    "jsonEncode": ("old name of `toJson`", "rows | jsonEncode"),
    "keys": ("keys of a map, indexes of a list", "trip | keys"),
    "last": ("the last element or letter", "rows | last"),
    "length": ("letters, elements or keys", "rows | length"),
    "lower": ("small letters", "name | lower"),
    "md5": ("hash in hexadecimal", "'a' | md5"),
    "merge": ("a list or map with the other's elements", "rows | merge(['d'])"),
    "nindent": ("a line end first, then all lines moved right", "'a' | nindent(2)"),
    "number": (
        "text to a number: `INT`, `LONG`, `FLOAT`, `DOUBLE`, `BIGDECIMAL`, `BIGINTEGER` or the"
        " smallest that fits",
        "'12.5' | number",
    ),
    "numberFormat": (
        "a number by a pattern of Java's DecimalFormat",
        "1234.5 | numberFormat('#,##0.00')",
    ),
    "numberformat": ("another spelling of `numberFormat`", "2 | numberformat('0.0')"),
    "regexExtract": (
        "the first part that matches, or one of its groups",
        "name | regexExtract('t(.)x', 1)",
    ),
    "regexMatch": ("whether any part matches", "name | regexMatch('t.x')"),
    "regexReplace": ("every match replaced", "name | regexReplace('[aeiou]', '_')"),
    "replace": (
        "texts (or with `regexp` patterns) replaced, by a map",
        "name | replace({'taxi': 'cab'})",
    ),
    "reverse": ("backwards", "rows | reverse"),
    "rsort": ("sorted, greatest first", "rows | rsort"),
    "sha1": ("hash in hexadecimal", "'a' | sha1"),
    "sha256": ("hash in hexadecimal", "'a' | sha256 | slice(0, 8)"),
    "sha512": ("hash in hexadecimal", "'a' | sha512 | slice(0, 8)"),
    "slice": ("a part, from an index up to another", "rows | slice(0, 2)"),
    "slugify": ("text fit for a URL", "'Été à Paris' | slugify"),
    "sort": ("sorted", "rows | sort"),
    "split": ("parts between matches of a regular expression", "'a,b' | split(',')"),
    "startsWith": ("whether text starts so", "name | startsWith('G')"),
    "string": ("the value as text", "1.0 | string"),
    "substringAfter": ("what follows the first such mark", "'a.b.c' | substringAfter('.')"),
    "substringAfterLast": ("what follows the last such mark", "'a.b.c' | substringAfterLast('.')"),
    "substringBefore": ("what precedes the first such mark", "'a.b.c' | substringBefore('.')"),
    "substringBeforeLast": (
        "what precedes the last such mark",
        "'a.b.c' | substringBeforeLast('.')",
    ),
    "timestamp": ("seconds since 1970", "day | timestamp"),
    "timestampMicro": (
        "seconds times 10⁹ plus microseconds, as flows rely on",
        "day | timestampMicro",
    ),
    "timestampMilli": ("milliseconds since 1970", "day | timestampMilli"),
    "timestampNano": ("nanoseconds since 1970", "day | timestampNano"),
    "title": ("every word's first letter large", "name | title"),
    "toIon": ("Amazon Ion text", "trip | toIon"),
    "toJson": ("JSON text", "trip | toJson"),
    "trim": ("without spaces at the ends", "' a ' | trim"),
    "uniq": ("same as `distinct`", "[1, 1] | uniq"),
    "upper": ("large letters", "name | upper"),
    "urldecode": ("text from its form in URLs", "'a%20b' | urldecode"),
    "urlencode": ("text as URLs have it", "'a b/c' | urlencode"),
    "values": ("values of a map", "trip | values"),
    "yaml": ("YAML text", "rows | yaml"),
}
FUNCTION_TEXTS: Final = {
    "appLink": ("link to an app", ""),
    "currentEachOutput": ("outputs of a sibling in this turn of the loops around", ""),
    "currentOutput": ("same as `currentEachOutput`", ""),
    "dayOfMonth": ("1 to 31", "dayOfMonth(day)"),
    "dayOfWeek": ("`MONDAY` to `SUNDAY`", "dayOfWeek(day)"),
    "decrypt": ("text sealed by `encrypt`, by its base64 key", ""),
    "encrypt": ("text sealed by a base64 key of 16, 24 or 32 bytes (AES-GCM)", ""),
    "env": ("an environment variable that flows may see", ""),
    "errorLogs": ("the ERROR logs of the execution", ""),
    "fetchContext": ("all variables, as a map", ""),
    "fileEmpty": ("whether a file has no content", ""),
    "fileExists": ("whether there is a file", ""),
    "fileSize": ("bytes of a file", ""),
    "fileURI": ("URI of a namespace file", ""),
    "fromIon": ("the first value of Ion text, or with `allRows` all", "fromIon('{a: 1}').a"),
    "fromJson": ("the value of JSON text", "fromJson('[1, 2]')[1]"),
    "hourOfDay": ("0 to 23", "hourOfDay(day)"),
    "http": ("the body of a web resource", ""),
    "id": ("a new id of 22 letters and digits", ""),
    "ionDecode": ("old name of `fromIon`", "ionDecode('[1]')"),
    "isDateAfter": ("whether a date is later", "isDateAfter(day, '2024-01-01')"),
    "isDateBefore": ("whether a date is earlier", "isDateBefore(day, '2024-01-01')"),
    "isDateBetween": (
        "whether a date is later than one and earlier than another",
        "isDateBetween(day, '2024-01-01', '2025-01-01')",
    ),
    "isDayWeekInMonth": (
        "whether a date is the `FIRST` to `FOURTH` or `LAST` such weekday of its month",
        "isDayWeekInMonth(day, 'SUNDAY', 'SECOND')",
    ),
    "isFileEmpty": ("same as `fileEmpty`", ""),
    "isLastWorkingDay": (
        "whether no working day follows in the month",
        "isLastWorkingDay('2024-08-30')",
    ),
    "isPublicHoliday": (
        "by the calendar of a country or a part of it",
        "isPublicHoliday('2024-07-14', 'FR')",
    ),
    "isWeekend": ("Saturday or Sunday", "isWeekend(day)"),
    "iterationOutput": ("output of a task in another turn of the loop", ""),
    "json": ("old name of `fromJson`", "json('[1]')"),
    "jsonDecode": ("old name of `fromJson`", "jsonDecode('[1]')"),
    "ksuid": ("a new id that sorts by time", ""),
    "kv": ("the value of a key; null, or with `errorOnMissing` an error, if there is none", ""),
    "loopOutputs": ("one output of every iteration of a Loop", ""),
    "max": ("the greatest number", "max(1, 3, 2)"),
    "min": ("the least number", "min(1, 3, 2)"),
    "monthOfYear": ("1 to 12", "monthOfYear(day)"),
    "nanoId": ("a new id of any length and alphabet", ""),
    "now": ("the moment, or with `format` its text", "now('yyyy', 'Asia/Tokyo')"),
    "parentOutput": ("outputs of the group around the task", ""),
    "printContext": ("all variables, as JSON", ""),
    "randomInt": ("a number from `lower` up to, but not, `upper`", ""),
    "randomPort": ("a port of 1024 to 65535", ""),
    "range": ("numbers or letters, both ends included", "range(0, 10, 5)"),
    "read": ("content of a namespace file or of a file of this execution", ""),
    "render": ("text rendered again until nothing changes; `recursive=false` once", ""),
    "renderOnce": ("text rendered once more", ""),
    "secret": ("a secret, hidden in logs; `subkey` picks from one that is JSON", ""),
    "tasksWithState": ("task runs of the execution in a state", ""),
    "uuid": ("a new UUID", ""),
    "yaml": ("the value of YAML text", "yaml('a: 017')"),
}
TEST_TEXTS: Final = {
    "defined": ("neither undefined nor null", "missing is defined"),
    "empty": ("null, blank text, no elements", "[] is empty"),
    "endsWith": ("text ends so", "name is endsWith('i')"),
    "even": ("an even integer", "4 is even"),
    "in": ("an element of a list", "'a' is in(rows)"),
    "iterable": ("a list", "rows is iterable"),
    "json": ("text that is JSON", "'{}' is json"),
    "map": ("a map", "trip is map"),
    "null": ("null", "nothing is null"),
    "odd": ("an odd integer", "4 is odd"),
    "startsWith": ("text starts so", "name is startsWith('G')"),
}
_RULES: Final = """## How values become text

Printed, a map or list is JSON, a date is as Java writes it (`2024-03-10T13:05:06Z`), a real number
has a point (`1.0`, `1.5E-7`) and null is empty. Joined to other text (`~`, `+`, text filters), maps
and lists are as Java writes them: `{a=1, b=null}`, `[x, 1]`; `| toJson` gives JSON there too.

## Dates

A date is a date variable, ISO text, a number of seconds since 1970 or text in `existingFormat`.
What has no zone is meant in `timeZone`, else in the zone of the server. `format` is one of `iso`,
`iso_sec`, `sql`, `sql_seq`, `iso_date_time`, `iso_date`, `iso_time`, `iso_local_date`,
`iso_instant`, `iso_local_date_time`, `iso_local_time`, `iso_offset_time`, `iso_ordinal_date`,
`iso_week_date`, `iso_zoned_date_time`, `rfc_1123_date_time`, a style (`full`, `long`, `medium`,
`short`) or a pattern of Java's DateTimeFormatter. Units of `dateAdd` are `NANOS`, `MICROS`,
`MILLIS`, `SECONDS`, `MINUTES`, `HOURS`, `HALF_DAYS`, `DAYS`, `WEEKS`, `MONTHS`, `YEARS`, `DECADES`,
`CENTURIES` and `MILLENNIA`. Moments have microseconds and years from 1 to 9999.

## Tags

`{% if %}` … `{% elseif %}` … `{% else %}` … `{% endif %}`, `{% for x in list %}` … `{% else %}` …
`{% endfor %}` (with `loop.index` from 0, `length`, `first`, `last`, `revindex`; over a map `x.key`
and `x.value`), `{% set x = … %}`, `{% macro name(a, b=1) %}`, `{% block name %}` (shown
again by `block('name')`),
`{% filter upper %}`, `{% verbatim %}` and `{% raw %}`. `{# … #}` is a comment. A dash and a space
(`{{- x -}}`) take the white space around away.
"""


def expressions_page(note: str) -> str:
    """Everything an expression can say; every example is rendered as it stands."""
    parts = ["# Expressions", "", note]
    parts += ["Examples use these variables:", "", "```yaml", _render("vars | yaml").rstrip()]
    parts += [
        "```",
        "",
        "## Operators",
        "",
        "From the weakest to the strongest; only `a ? b : c` is weaker than all.",
        "",
    ]
    parts += ["| Operator | Meaning | Example | Result |", "|---|---|---|---|"]
    parts += [
        f"| {mark.replace('|', '&#124;')} | {text} | {_example(code)} |"
        for mark, text, code in OPERATORS
    ]
    parts += ["", _RULES]
    for title, table, texts in (
        ("Filters", FILTERS, FILTER_TEXTS),
        ("Functions", FUNCTIONS, FUNCTION_TEXTS),
        ("Tests", TESTS, TEST_TEXTS),
    ):
        parts += [
            f"## {title}",
            "",
            f"| {title[:-1]} | Meaning | Example | Result |",
            "|---|---|---|---|",
        ]
        parts += [
            f"| {_usage(table[name])} | {texts[name][0]} | {_example(texts[name][1])} |"
            for name in sorted(table)
        ]
        parts += [""]
    methods = ", ".join(f"`{name}`" for name in METHOD_NAMES)
    parts += [
        "## Methods",
        "",
        "Values have the methods that flows use of Java's: " + methods + ". A getter",
    ]
    parts += [
        "is also a property: `when.year`, `rows.size`. Nothing else of a value can be called.",
        "",
    ]
    return "\n".join(parts)


def _usage(callee: Callee) -> str:
    names = (
        ["values…"]
        if callee.takes_any
        else [
            name if default is callee.required else f"{name}?"
            for name, default in zip(callee.parameters, callee.defaults, strict=True)
        ]
    )
    return (
        f"`{callee.name}({', '.join(names)})`"
        if names or callee.kind == "function"
        else f"`{callee.name}`"
    )


def _example(code: str) -> str:
    if not code:
        return "|"
    shown = code.replace("\n", "⏎").replace("|", "\\|")
    result = _render(code).replace("\n", "⏎").replace("|", "\\|")
    return f"`{shown}` | `{result}`" if result else f"`{shown}` |"


def _render(code: str) -> str:
    moment = datetime(2024, 3, 10, 13, 5, 6, tzinfo=UTC)
    return render("{{ " + code + " }}", Scope({**_DATA, "vars": _DATA}, NoHost(moment)))
