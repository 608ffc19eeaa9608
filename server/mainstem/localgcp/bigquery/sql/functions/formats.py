"""FORMAT_DATE and PARSE_DATE elements, and CAST … FORMAT, as DuckDB expressions."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from mainstem.localgcp.bigquery.sql.casts import complain
from mainstem.localgcp.bigquery.sql.functions.dateparts import from_civil, to_civil
from mainstem.localgcp.bigquery.sql.problems import SqlProblem, refused
from mainstem.localgcp.bigquery.sql.types import STRING, Type, literal
from mainstem.localgcp.bigquery.sql.values import Value

_ELEMENT = re.compile(r"%(E(?:[0-9]|\*)[Sf]|E4Y|Ez|E[CYycx]|O[a-z]|-[a-zA-Z]|.)", re.DOTALL)

# What DuckDB's strftime writes the same way, and what takes an expression of its own.
_SAME: Final = frozenset("AaBbdHIjMmpSUuVWwYy%G")
_SPELT: Final = {
    "D": "%m/%d/%y", "F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "x": "%m/%d/%y",
    "X": "%H:%M:%S", "h": "%b", "n": "\n", "t": "\t", "r": "%I:%M:%S %p",
    "c": "%a %b %e %H:%M:%S %Y", "E4Y": "%Y", "EY": "%Y", "Ey": "%y", "-d": "%-d", "-m": "%-m",
    "-H": "%-H", "-M": "%-M", "-S": "%-S", "-I": "%-I", "-j": "%-j",
}  # fmt: skip
_EXPRESSION: Final = {
    "e": "lpad(CAST(day({0}) AS VARCHAR), 2, ' ')",
    "k": "lpad(CAST(hour({0}) AS VARCHAR), 2, ' ')",
    "l": "lpad(strftime({0}, '%-I'), 2, ' ')",
    "C": "lpad(CAST(year({0}) // 100 AS VARCHAR), 2, '0')",
    "Q": "CAST(quarter({0}) AS VARCHAR)",
    "P": "lower(strftime({0}, '%p'))",
    "g": "lpad(CAST(isoyear({0}) % 100 AS VARCHAR), 2, '0')",
    "E*S": "strftime({0}, '%S') || rtrim(rtrim('.' || strftime({0}, '%f'), '0'), '.')",
    "E*f": "COALESCE(NULLIF(rtrim(strftime({0}, '%f'), '0'), ''), '0')",
    "s": "CAST(CAST(floor(epoch({0})) AS BIGINT) AS VARCHAR)",
}  # fmt: skip
_CLOCK_ONLY: Final = frozenset({"H", "I", "M", "S", "p", "k", "l", "T", "R", "P", "E*S", "r", "X"})


@dataclass(frozen=True, slots=True)
class Moment:
    """What is being formatted: its wall clock and, for a TIMESTAMP, its zone."""

    civil: str
    instant: str | None = None
    zone: Value | None = None


def format_moment(pattern: str, moment: Moment, at: int) -> str:
    """The text of a moment in a BigQuery format string, as DuckDB SQL."""
    pieces: list[str] = []
    plain = ""
    for kind, text in _pieces(pattern):
        if kind == "strftime":
            plain += text
            continue
        if plain:
            pieces.append(f"strftime({moment.civil}, {literal(plain)})")
            plain = ""
        pieces.append(_special(text, moment, at))
    if plain or not pieces:
        pieces.append(f"strftime({moment.civil}, {literal(plain)})")
    return f"({' || '.join(pieces)})"


def _pieces(pattern: str) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    end = 0
    for match in _ELEMENT.finditer(pattern):
        out.append(("strftime", pattern[end : match.start()]))
        end = match.end()
        element = match.group(1)
        if element in _SPELT:
            out += _pieces(_SPELT[element])
        elif element in _SAME:
            out.append(("strftime", f"%{element}"))
        else:
            out.append(("special", element))
    out.append(("strftime", pattern[end:]))
    return [piece for piece in out if piece[1]]


def _special(element: str, moment: Moment, at: int) -> str:
    if element in _EXPRESSION:
        return f"({_EXPRESSION[element].format(moment.civil)})"
    digits = re.fullmatch(r"E([0-9])S", element)
    if digits:
        count = min(int(digits.group(1)), 6)
        if count == 0:
            return f"strftime({moment.civil}, '%S')"
        return f"(strftime({moment.civil}, '%S.') || left(strftime({moment.civil}, '%f'), {count}))"
    if element in ("Z", "z", "Ez") and moment.instant is not None:
        return _zone_text(element, moment)
    raise refused(f"the format element %{element} here", at)


def _zone_text(element: str, moment: Moment) -> str:
    if moment.zone is None:
        return {"Z": "'UTC'", "z": "'+0000'", "Ez": "'+00:00'"}[element]
    offset = f"date_diff('minute', timezone('UTC', {moment.instant}), {moment.civil})"
    separator = ":" if element == "Ez" else ""
    text = f"bq_offset_text({offset}, '{separator}')"
    return f"'UTC' || {text}" if element == "Z" else text


# ---- parsing ------------------------------------------------------------------------------

_PARSE_SAME: Final = frozenset("AaBbdHIjMmpSYyfz%")
_PARSE_SPELT: Final = {**_SPELT, "e": "%d", "k": "%H", "l": "%I", "E*S": "%S", "Z": "%Z",
                       "Ez": "%z", "P": "%p"}  # fmt: skip


def parse_formats(pattern: str, at: int) -> list[str]:
    """The strptime formats that read what one BigQuery format string reads."""
    if re.fullmatch(r"%s", pattern):
        return ["%s"]
    plain = _strptime(pattern, at)
    has_fraction = re.search(r"%E(?:\*|[0-9])S", pattern) is not None
    return [plain.replace("%S", "%S.%f"), plain] if has_fraction else [plain]


def _strptime(pattern: str, at: int) -> str:
    def one(match: re.Match[str]) -> str:
        element = match.group(1)
        if re.fullmatch(r"E[0-9]S", element):
            return "%S"
        if element in _PARSE_SPELT:
            return _strptime(_PARSE_SPELT[element], at) if element != "Z" else "%Z"
        if element in _PARSE_SAME or element.startswith("-"):
            return match.group()
        raise refused(f"the format element %{element} in parsing", at)

    return _ELEMENT.sub(one, pattern)


def parse_moment(pattern: str, text: Value, kind: str, zone: Value | None, at: int) -> str:
    """PARSE_DATE and its kin: NULL where the text does not fit the format."""
    formats = parse_formats(pattern, at)
    if formats == ["%s"]:
        return f"make_timestamptz(CAST({text.sql} AS BIGINT) * 1000000)"
    options = ", ".join(literal(each) for each in formats)
    # A format without a date means the epoch's day to BigQuery, 1900 to DuckDB.
    prefix, start = ("", "") if "%Y" in formats[0] or "%y" in formats[0] else ("%Y ", "1970 ")
    if prefix:
        options = ", ".join(literal(prefix + each) for each in formats)
    source = f"'{start}' || trim({text.sql})" if prefix else f"trim({text.sql})"
    parsed = f"try_strptime({source}, [{options}])"
    if kind != "TIMESTAMP":
        return parsed
    if "%z" in formats[0] or "%Z" in formats[0]:
        return f"CAST({parsed} AS TIMESTAMPTZ)"
    return from_civil(parsed, zone)


def must_parse(attempt: str, text: Value) -> str:
    """A parse that fails loudly, as PARSE_DATE does outside of SAFE."""
    message = f"concat('Failed to parse input string \"', {text.sql}, '\"')"
    failure = f"CAST(bq_raise_text({message}) AS TIMESTAMP)"
    return f"CASE WHEN {text.sql} IS NULL THEN NULL ELSE COALESCE({attempt}, {failure}) END"


# ---- CAST … FORMAT ------------------------------------------------------------------------

_MODEL: Final[tuple[tuple[str, str], ...]] = (
    ("YYYY", "%Y"), ("RRRR", "%Y"), ("MONTH", "%B"), ("MON", "%b"), ("MM", "%m"), ("DDD", "%j"),
    ("DD", "%d"), ("DAY", "%A"), ("DY", "%a"), ("HH24", "%H"), ("HH12", "%I"), ("HH", "%I"),
    ("MI", "%M"), ("SSSSS", ""), ("SS", "%S"), ("FF6", "%f"), ("FF3", "%g"), ("AM", "%p"),
    ("PM", "%p"), ("A.M.", "%p"), ("P.M.", "%p"), ("YY", "%y"), ("RR", "%y"), ("TZH", "%z"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FormatCast:
    pattern: str
    zone: str | None
    is_safe: bool
    at: int


def cast_with_format(call: FormatCast, value: Value, kind: Type) -> Value:
    """CAST(value AS kind FORMAT pattern)."""
    dates = ("DATE", "DATETIME", "TIME", "TIMESTAMP")
    zone = None if call.zone is None else Value(call.zone, STRING, call.zone.strip("'"))
    if value.type.kind in dates and kind == STRING:
        civil = to_civil(value.sql, zone) if value.type.kind == "TIMESTAMP" else value.sql
        moment = Moment(f"CAST({civil} AS TIMESTAMP)", value.sql, zone)
        if value.type.kind == "TIME":
            moment = Moment(f"(DATE '1970-01-01' + {value.sql})")
        return Value(format_moment(_model(call), moment, call.at), STRING)
    if value.type == STRING and kind.kind in dates:
        parsed = parse_moment(_model(call), value, kind.kind, zone, call.at)
        attempt = f"CAST({parsed} AS {kind.duckdb()})"
        return Value(attempt if call.is_safe else complain(value, attempt, kind), kind)
    codec = _codec(call, value, kind)
    if codec is None:
        raise refused(f"CAST({value.type} AS {kind} FORMAT '{call.pattern}')", call.at)
    return codec


def _model(call: FormatCast) -> str:
    """An Oracle-like model such as `YYYY-MM-DD HH24:MI` as a strftime format."""
    out, rest = "", call.pattern
    while rest:
        upper = rest.upper()
        found = next((pair for pair in _MODEL if upper.startswith(pair[0])), None)
        if found is not None and found[1]:
            out, rest = out + found[1], rest[len(found[0]) :]
        elif rest[0] in "-/ :.,;'T" or not rest[0].isalpha():
            out, rest = out + rest[0], rest[1:]
        else:
            raise SqlProblem(f"Invalid format element in '{call.pattern}' near '{rest}'", call.at)
    return out


_CODECS: Final[Mapping[tuple[str, str, str], str]] = {
    ("BYTES", "STRING", "HEX"): "lower(hex({0}))",
    ("BYTES", "STRING", "BASE64"): "to_base64({0})",
    ("BYTES", "STRING", "UTF-8"): "decode({0})",
    ("STRING", "BYTES", "HEX"): "unhex({0})",
    ("STRING", "BYTES", "BASE64"): "from_base64({0})",
    ("STRING", "BYTES", "UTF-8"): "encode({0})",
}


def _codec(call: FormatCast, value: Value, kind: Type) -> Value | None:
    template = _CODECS.get((value.type.kind, kind.kind, call.pattern.upper()))
    if template is None:
        return None
    sql = template.format(value.sql)
    return Value(f"TRY({sql})" if call.is_safe else sql, kind)
