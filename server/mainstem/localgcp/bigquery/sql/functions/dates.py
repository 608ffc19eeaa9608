"""Dates and times: constructors, arithmetic, truncation, differences, text."""

from typing import Final

from mainstem.localgcp.bigquery.sql import tree
from mainstem.localgcp.bigquery.sql.binding import once, once_value
from mainstem.localgcp.bigquery.sql.coercion import can_coerce, coerce
from mainstem.localgcp.bigquery.sql.functions import dateparts
from mainstem.localgcp.bigquery.sql.functions.formats import (
    Moment,
    format_moment,
    must_parse,
    parse_moment,
)
from mainstem.localgcp.bigquery.sql.functions.invocation import Handler, Invocation, signatures
from mainstem.localgcp.bigquery.sql.types import (
    DATE,
    DATETIME,
    INT64,
    STRING,
    TIME,
    TIMESTAMP,
    Type,
    array_of,
)
from mainstem.localgcp.bigquery.sql.values import Value


def _subject(call: Invocation, index: int, preferred: Type) -> Value:
    """A date-like argument: a string literal becomes what the function's name says."""
    value = call.value(index)
    if value.is_null or (value.type == STRING and value.is_flexible):
        return call.typed(index, preferred)
    if value.type.kind not in ("DATE", "DATETIME", "TIMESTAMP", "TIME"):
        raise call.no_match()
    return value


def _zone(call: Invocation, index: int) -> Value | None:
    return call.typed(index, STRING) if call.count > index else None


def _step(call: Invocation, kind: Type, *, is_negative: bool) -> Value:
    """DATE_ADD, TIMESTAMP_SUB …: a date part keeps the argument's own type."""
    call.expect(2)
    subject = _subject(call, 0, kind)
    node = call.node.arguments[1]
    if kind == TIMESTAMP and isinstance(node, tree.IntervalValue) and node.part in (
        "WEEK", "MONTH", "QUARTER", "YEAR",
    ):  # fmt: skip
        raise call.problem(f"{call.name} does not support the {node.part} date part")
    interval = call.value(1)
    if interval.type.kind != "INTERVAL":
        raise call.no_match()
    sql = f"({subject.sql} {'-' if is_negative else '+'} {interval.sql})"
    if subject.type == DATE:
        part = node.part if isinstance(node, tree.IntervalValue) else "DAY"
        if part in dateparts.CLOCK_PARTS:
            if call.name.startswith("DATE_"):
                raise call.problem(f"{call.name} does not support the {part} date part")
            return Value(sql, DATETIME)
        return Value(f"CAST({sql} AS DATE)", DATE)
    return Value(sql, subject.type)


def _stepper(kind: Type, *, is_negative: bool) -> Handler:
    return lambda call: _step(call, kind, is_negative=is_negative)


def _truncater(kind: Type) -> Handler:
    def handle(call: Invocation) -> Value:
        call.expect(2, 3)
        subject = _subject(call, 0, kind)
        part = call.part(1)
        if subject.type == DATE and part.name in dateparts.CLOCK_PARTS:
            raise call.problem(f"{call.name} does not support the {part.name} date part")
        zone = _zone(call, 2)
        sql = once_value(subject.sql, lambda name: _truncated(name, subject.type, part, zone))
        return Value(sql, subject.type)

    return handle


def _truncated(sql: str, kind: Type, part: tree.DatePart, zone: Value | None) -> str:
    if kind == TIMESTAMP:
        civil = dateparts.truncate(dateparts.to_civil(sql, zone), part)
        return dateparts.from_civil(f"CAST({civil} AS TIMESTAMP)", zone)
    source = f"(DATE '1970-01-01' + {sql})" if kind == TIME else sql
    return f"CAST({dateparts.truncate(source, part)} AS {kind.duckdb()})"


def _differ(kind: Type) -> Handler:
    def handle(call: Invocation) -> Value:
        call.expect(3)
        end, start = _subject(call, 0, kind), _subject(call, 1, kind)
        part = call.part(2)
        if TIMESTAMP in (end.type, start.type):
            if end.type != start.type:
                raise call.no_match()
            return Value(dateparts.elapsed(end.sql, start.sql, part), INT64)
        if kind == DATE and end.type == DATE and part.name in dateparts.CLOCK_PARTS:
            raise call.problem(f"DATE_DIFF does not support the {part.name} date part")
        if end.type != start.type:
            end, start = call.typed(0, DATETIME), call.typed(1, DATETIME)
        sides = (end.sql, start.sql)
        return Value(
            once(sides, lambda names: dateparts.boundaries(names[0], names[1], part)), INT64
        )

    return handle


def _last_day(call: Invocation) -> Value:
    call.expect(1, 2)
    subject = _subject(call, 0, DATE)
    if subject.type not in (DATE, DATETIME):
        raise call.no_match()
    part = call.part(1) if call.count == 2 else tree.DatePart(call.at, "MONTH")
    steps = {"YEAR": "to_years(1)", "QUARTER": "to_months(3)", "MONTH": "to_months(1)",
             "WEEK": "to_days(7)", "ISOWEEK": "to_days(7)"}  # fmt: skip
    start = dateparts.truncate(subject.sql, part)
    if part.name == "ISOYEAR":
        following = f"date_trunc('week', make_date(isoyear({subject.sql}) + 1, 1, 4))"
        return Value(f"CAST({following} - to_days(1) AS DATE)", DATE)
    if part.name not in steps:
        raise call.problem(f"LAST_DAY does not support the {part.name} date part")
    return Value(f"CAST({start} + {steps[part.name]} - to_days(1) AS DATE)", DATE)


# ---- constructors -------------------------------------------------------------------------


def _date(call: Invocation) -> Value:
    call.expect(1, 3)
    if call.count == 3:
        parts = ", ".join(call.typed(index, INT64).sql for index in range(3))
        return Value(f"make_date({parts})", DATE)
    value = call.value(0)
    if value.type == TIMESTAMP:
        return Value(f"CAST({dateparts.to_civil(value.sql, _zone(call, 1))} AS DATE)", DATE)
    if call.count == 1 and value.type in (DATE, DATETIME):
        return Value(f"CAST({value.sql} AS DATE)", DATE)
    if call.count == 1 and value.type == STRING and value.constant is None:
        raise call.no_match()
    if call.count == 2:
        return Value(
            f"CAST({dateparts.to_civil(call.typed(0, TIMESTAMP).sql, _zone(call, 1))} AS DATE)",
            DATE,
        )
    return call.typed(0, DATE)


def _datetime(call: Invocation) -> Value:
    call.expect(1, 6)
    if call.count == 6:
        parts = [call.typed(index, INT64).sql for index in range(6)]
        return Value(
            f"make_timestamp({', '.join(parts[:5])}, CAST({parts[5]} AS DOUBLE))", DATETIME
        )
    value = call.value(0)
    if value.type == TIMESTAMP:
        return Value(dateparts.to_civil(value.sql, _zone(call, 1)), DATETIME)
    if call.count == 2 and value.type == DATE:
        return Value(f"({value.sql} + {call.typed(1, TIME).sql})", DATETIME)
    if call.count != 1:
        raise call.no_match()
    return Value(call.typed(0, DATETIME).sql, DATETIME)


def _time(call: Invocation) -> Value:
    call.expect(1, 3)
    if call.count == 3:
        parts = [call.typed(index, INT64).sql for index in range(3)]
        return Value(f"make_time({parts[0]}, {parts[1]}, CAST({parts[2]} AS DOUBLE))", TIME)
    value = call.value(0)
    if value.type == TIMESTAMP:
        return Value(f"CAST({dateparts.to_civil(value.sql, _zone(call, 1))} AS TIME)", TIME)
    if value.type == DATETIME and call.count == 1:
        return Value(f"CAST({value.sql} AS TIME)", TIME)
    return call.typed(0, TIME)


def _timestamp(call: Invocation) -> Value:
    call.expect(1, 2)
    value, zone = call.value(0), _zone(call, 1)
    if value.type == TIMESTAMP and zone is None:
        return value
    if value.type in (DATE, DATETIME):
        return Value(dateparts.from_civil(f"CAST({value.sql} AS TIMESTAMP)", zone), TIMESTAMP)
    if value.is_null:
        return coerce(value, TIMESTAMP)
    if value.type != STRING:
        raise call.no_match("TIMESTAMP(STRING, [STRING]); TIMESTAMP(DATE, [STRING]); "
                            "TIMESTAMP(DATETIME, [STRING]); TIMESTAMP(TIMESTAMP)")  # fmt: skip
    return Value(once_value(value.sql, lambda name: _timestamp_of_text(name, zone)), TIMESTAMP)


def _timestamp_of_text(text: str, zone: Value | None) -> str:
    message = f"concat('Invalid timestamp: ''', {text}, '''')"
    if zone is None:
        attempt = f"bq_text_to_timestamp({text})"
    else:
        attempt = dateparts.from_civil(f"bq_text_to_datetime({text})", zone)
    failure = f"CAST(bq_raise_text({message}) AS TIMESTAMPTZ)"
    return f"CASE WHEN {text} IS NULL THEN NULL ELSE COALESCE({attempt}, {failure}) END"


def _current(kind: Type) -> Handler:
    def handle(call: Invocation) -> Value:
        call.expect(0, 1)
        if kind == TIMESTAMP:
            call.expect(0)
            return Value("now()", TIMESTAMP)
        civil = dateparts.to_civil("now()", _zone(call, 0))
        return Value(f"CAST({civil} AS {kind.duckdb()})", kind)

    return handle


# ---- text ---------------------------------------------------------------------------------


def _formatter(kind: Type) -> Handler:
    def handle(call: Invocation) -> Value:
        call.expect(2, 3 if kind == TIMESTAMP else 2)
        pattern = call.text(0, "format string")
        value = call.value(1)
        if not can_coerce(value, kind) and value.type.kind not in ("DATE", "DATETIME", "TIMESTAMP"):
            raise call.no_match(f"{call.name}(STRING, {kind})")
        subject = (
            value if value.type.kind in ("DATE", "DATETIME", "TIMESTAMP") else call.typed(1, kind)
        )
        sql = once_value(
            subject.sql,
            lambda name: format_moment(pattern, _moment(call, Value(name, subject.type)), call.at),
        )
        return Value(sql, STRING)

    return handle


def _moment(call: Invocation, subject: Value) -> Moment:
    if subject.type == TIMESTAMP:
        zone = _zone(call, 2)
        return Moment(dateparts.to_civil(subject.sql, zone), subject.sql, zone)
    if subject.type == TIME:
        return Moment(f"(DATE '1970-01-01' + {subject.sql})")
    return Moment(f"CAST({subject.sql} AS TIMESTAMP)")


def _parser(kind: Type) -> Handler:
    def handle(call: Invocation) -> Value:
        call.expect(2, 3 if kind == TIMESTAMP else 2)
        text = call.typed(1, STRING)
        zone = _zone(call, 2) if kind == TIMESTAMP else None
        sql = once_value(text.sql, lambda name: _parsed(call, Value(name, STRING), kind, zone))
        return Value(f"CAST({sql} AS {kind.duckdb()})", kind)

    return handle


def _parsed(call: Invocation, text: Value, kind: Type, zone: Value | None) -> str:
    attempt = parse_moment(call.text(0, "format string"), text, kind.kind, zone, call.at)
    return attempt if call.node.is_safe else must_parse(attempt, text)


# ---- series and numbers -------------------------------------------------------------------


def _date_array(call: Invocation) -> Value:
    call.expect(2, 3)
    start, end = call.typed(0, DATE).sql, call.typed(1, DATE).sql
    step = call.value(2).sql if call.count == 3 else "to_days(1)"
    series = f"generate_series(CAST({start} AS TIMESTAMP), CAST({end} AS TIMESTAMP), {step})"
    return Value(f"CAST({series} AS DATE[])", array_of(DATE))


def _timestamp_array(call: Invocation) -> Value:
    call.expect(3)
    start, end = call.typed(0, TIMESTAMP).sql, call.typed(1, TIMESTAMP).sql
    return Value(f"generate_series({start}, {end}, {call.value(2).sql})", array_of(TIMESTAMP))


FUNCTIONS: Final[dict[str, Handler]] = {
    "DATE": _date,
    "DATETIME": _datetime,
    "TIME": _time,
    "TIMESTAMP": _timestamp,
    "LAST_DAY": _last_day,
    "GENERATE_DATE_ARRAY": _date_array,
    "GENERATE_TIMESTAMP_ARRAY": _timestamp_array,
    "UNIX_SECONDS": signatures("TIMESTAMP -> INT64: bq_floor_div(epoch_us({0}), 1000000)"),
    "UNIX_MILLIS": signatures("TIMESTAMP -> INT64: bq_floor_div(epoch_us({0}), 1000)"),
    "UNIX_MICROS": signatures("TIMESTAMP -> INT64: epoch_us({0})"),
    "UNIX_DATE": signatures("DATE -> INT64: date_diff('day', DATE '1970-01-01', {0})"),
    "DATE_FROM_UNIX_DATE": signatures(
        "INT64 -> DATE: CAST(DATE '1970-01-01' + CAST({0} AS INTEGER) AS DATE)"
    ),
    "TIMESTAMP_SECONDS": signatures("INT64 -> TIMESTAMP: make_timestamptz({0} * 1000000)"),
    "TIMESTAMP_MILLIS": signatures("INT64 -> TIMESTAMP: make_timestamptz({0} * 1000)"),
    "TIMESTAMP_MICROS": signatures("INT64 -> TIMESTAMP: make_timestamptz({0})"),
    "STRING": signatures(
        "DATE -> STRING: CAST({0} AS VARCHAR)",
        "TIME -> STRING: bq_time_text({0})",
        "DATETIME -> STRING: bq_datetime_text({0})",
        "TIMESTAMP -> STRING: bq_timestamp_text({0})",
        "TIMESTAMP, STRING -> STRING: bq_timestamp_text_in({0}, {1})",
        "JSON -> STRING: bq_json_to_string({0})",
    ),
}

for _name, _kind in (
    ("DATE", DATE), ("DATETIME", DATETIME), ("TIMESTAMP", TIMESTAMP), ("TIME", TIME),
):  # fmt: skip
    FUNCTIONS[f"{_name}_ADD"] = _stepper(_kind, is_negative=False)
    FUNCTIONS[f"{_name}_SUB"] = _stepper(_kind, is_negative=True)
    FUNCTIONS[f"{_name}_TRUNC"] = _truncater(_kind)
    FUNCTIONS[f"{_name}_DIFF"] = _differ(_kind)
    FUNCTIONS[f"FORMAT_{_name}"] = _formatter(_kind)
    FUNCTIONS[f"PARSE_{_name}"] = _parser(_kind)
    FUNCTIONS[f"CURRENT_{_name}"] = _current(_kind)
