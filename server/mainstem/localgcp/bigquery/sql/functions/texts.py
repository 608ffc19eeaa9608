"""Strings and bytes."""

import re
from dataclasses import replace
from typing import Final

from mainstem.localgcp.bigquery.sql.binding import once, once_value
from mainstem.localgcp.bigquery.sql.coercion import coerce
from mainstem.localgcp.bigquery.sql.functions.invocation import Handler, Invocation, signatures
from mainstem.localgcp.bigquery.sql.types import (
    BYTES,
    INT64,
    STRING,
    array_of,
    literal,
)
from mainstem.localgcp.bigquery.sql.values import Value


def _concat(call: Invocation) -> Value:
    """Any NULL makes the whole NULL; numbers and dates are cast to text."""
    if call.count == 0:
        raise call.no_match()
    values = call.values()
    if any(value.type == BYTES for value in values):
        parts = [call.typed(index, BYTES).sql for index in range(call.count)]
        return Value(f"({' || '.join(parts)})", BYTES)
    for value in values:
        if value.type != STRING and not value.is_null:
            raise call.no_match("CONCAT(STRING, [STRING, ...]); CONCAT(BYTES, [BYTES, ...])")
    parts = [coerce(value, STRING).sql for value in values]
    return Value(f"({' || '.join(parts)})" if len(parts) > 1 else parts[0], STRING)


def _regexp_pattern(call: Invocation, index: int) -> tuple[str, int]:
    """A pattern's SQL and its number of groups; both rules of RE2 depend on them."""
    pattern = call.typed(index, STRING)
    text = pattern.constant if pattern.constant is not None else call.value(index).constant
    if text is None:
        return pattern.sql, -1
    try:
        groups = re.compile(_pythonic(text)).groups
    except re.error:
        groups = -1
    return pattern.sql, groups


def _pythonic(pattern: str) -> str:
    """Enough of a translation from RE2 for Python to count the groups."""
    return re.sub(r"\\[pP](\{\w+\}|\w)|\[\[:\w+:\]\]", "x", pattern.replace(r"\z", r"\Z"))


def _regexp_extract(call: Invocation) -> Value:
    call.expect(2, 4)
    subject = call.typed(0, STRING).sql
    pattern, groups = _regexp_pattern(call, 1)
    if groups > 1:
        raise call.problem("Regular expression with more than one capturing group is not supported")
    if groups < 0:
        raise call.problem(
            f"The local BigQuery emulator needs a constant regular expression in {call.name}"
        )
    group = 1 if groups else 0
    if call.count == 2:
        sql = once_value(
            subject,
            lambda name: (
                f"CASE WHEN regexp_matches({name}, {pattern}) "
                f"THEN regexp_extract({name}, {pattern}, {group}) END"
            ),
        )
        return Value(sql, STRING)
    position = call.typed(2, INT64).sql
    occurrence = call.typed(3, INT64).sql if call.count == 4 else "1"
    found = f"regexp_extract_all(substr({subject}, {position}), {pattern}, {group})"
    return Value(f"{found}[{occurrence}]", STRING)


def _regexp_extract_all(call: Invocation) -> Value:
    call.expect(2)
    subject = call.typed(0, STRING).sql
    pattern, groups = _regexp_pattern(call, 1)
    if groups > 1:
        raise call.problem("Regular expression with more than one capturing group is not supported")
    if groups < 0:
        raise call.problem(
            f"The local BigQuery emulator needs a constant regular expression in {call.name}"
        )
    group = 1 if groups else 0
    return Value(f"regexp_extract_all({subject}, {pattern}, {group})", array_of(STRING))


def _regexp_instr(call: Invocation) -> Value:
    call.expect(2)
    subject = call.typed(0, STRING).sql
    pattern, _ = _regexp_pattern(call, 1)
    return Value(
        f"CASE WHEN NOT regexp_matches({subject}, {pattern}) THEN CAST(0 AS BIGINT) ELSE "
        f"CAST(strpos({subject}, regexp_extract({subject}, {pattern})) AS BIGINT) END",
        INT64,
    )


def _split(call: Invocation) -> Value:
    call.expect(1, 2)
    kind = BYTES if call.value(0).type == BYTES else STRING
    if kind == BYTES:
        raise call.problem("The local BigQuery emulator does not support SPLIT of BYTES")
    subject = call.typed(0, STRING).sql
    separator = call.typed(1, STRING).sql if call.count == 2 else "','"
    sql = once_value(subject, lambda name: f"bq_split({name}, {separator})")
    return Value(sql, array_of(STRING))


def _substr(call: Invocation) -> Value:
    call.expect(2, 3)
    kind = BYTES if call.value(0).type == BYTES else STRING
    subject, start = call.typed(0, kind).sql, call.typed(1, INT64).sql
    if kind == BYTES:
        length = f", {call.typed(2, INT64).sql}" if call.count == 3 else ", NULL"
        arguments = (subject, start, length.removeprefix(", "))
        return Value(_call("bq_substr_bytes", *arguments), BYTES)
    if call.count == 2:
        return Value(_call("bq_substr", subject, start), STRING)
    return Value(_call("bq_substr_length", subject, start, call.typed(2, INT64).sql), STRING)


def _call(function: str, *arguments: str) -> str:
    """A macro's call, whose arguments it repeats."""
    return once(arguments, lambda names: f"{function}({', '.join(names)})")


def _trim(name: str) -> Handler:
    def handle(call: Invocation) -> Value:
        call.expect(1, 2)
        subject = call.typed(0, STRING).sql
        if call.count == 2:
            return Value(f"{name}({subject}, {call.typed(1, STRING).sql})", STRING)
        # BigQuery trims every Unicode white space, DuckDB only the blank.
        pattern = {"trim": r"^\s+|\s+$", "ltrim": r"^\s+", "rtrim": r"\s+$"}[name]
        return Value(f"regexp_replace({subject}, {literal(pattern)}, '', 'g')", STRING)

    return handle


_DIRECTIVE = re.compile(r"%([-+ #0']*)(\d*)(?:\.(\d+))?([a-zA-Z%])")


def _format(call: Invocation) -> Value:
    """FORMAT with a constant pattern: every directive becomes an expression."""
    if call.count == 0:
        raise call.no_match()
    pattern = call.text(0, "format string")
    pieces: list[str] = []
    end, used = 0, 1
    for match in _DIRECTIVE.finditer(pattern):
        if match.start() > end:
            pieces.append(literal(pattern[end : match.start()]))
        end = match.end()
        if match.group(4) == "%":
            pieces.append("'%'")
            continue
        if used >= call.count:
            raise call.problem("Too few arguments to FORMAT for pattern " + literal(pattern))
        pieces.append(_bound_directive(call, match, call.value(used)))
        used += 1
    if used != call.count:
        raise call.problem("Too many arguments to FORMAT for pattern " + literal(pattern))
    pieces.append(literal(pattern[end:]))
    return Value(f"({' || '.join(pieces)})", STRING)


def _bound_directive(call: Invocation, match: re.Match[str], value: Value) -> str:
    return once_value(value.sql, lambda name: _directive(call, match, replace(value, sql=name)))


def _directive(call: Invocation, match: re.Match[str], value: Value) -> str:
    flags, width, precision, letter = match.groups()
    text = _directive_text(call, value, flags, precision, letter)
    if not width:
        return text
    if "-" in flags:
        return f"rpad({text}, CAST(greatest({width}, length({text})) AS INTEGER), ' ')"
    if "0" in flags and letter not in "stT":
        return f"bq_zero_pad({text}, {width})"
    return f"lpad({text}, CAST(greatest({width}, length({text})) AS INTEGER), ' ')"


def _directive_text(
    call: Invocation, value: Value, flags: str, precision: str | None, letter: str
) -> str:
    if letter in "di" and (value.type == INT64 or value.is_null):
        text = f"format('{{:,}}', {value.sql})" if "'" in flags else f"CAST({value.sql} AS VARCHAR)"
        return (
            f"CASE WHEN {value.sql} >= 0 THEN '+' ELSE '' END || {text}" if "+" in flags else text
        )
    if letter in "feEgF" and (value.type.is_numeric or value.is_null):
        comma = "," if "'" in flags else ""
        sign = "+" if "+" in flags else ""
        digits = precision or "6"
        number = f"CAST({value.sql} AS DOUBLE)"
        return f"format('{{:{sign}{comma}.{digits}{letter.lower()}}}', {number})"
    if letter in "xX" and value.type == INT64:
        return f"format('{{:{letter}}}', {value.sql})"
    if letter == "o" and value.type == INT64:
        return f"format('{{:o}}', {value.sql})"
    if letter == "s" and (value.type == STRING or value.is_null):
        text = coerce(value, STRING).sql
        return f"left({text}, {precision})" if precision else text
    if letter in "tT":
        return _plain_text(call, value, is_literal=letter == "T")
    raise call.problem(f"Invalid type for argument to FORMAT; %{letter} got {value.type}")


_PLAIN: Final = {
    "INT64": "CAST({0} AS VARCHAR)",
    "FLOAT64": "bq_float_format({0})",
    "NUMERIC": "bq_decimal_text({0})",
    "BIGNUMERIC": "bq_decimal_text({0})",
    "BOOL": "CAST({0} AS VARCHAR)",
    "STRING": "{0}",
    "DATE": "CAST({0} AS VARCHAR)",
    "DATETIME": "bq_datetime_text({0})",
    "TIME": "bq_time_text({0})",
    "TIMESTAMP": "bq_timestamp_text({0})",
}
_LITERAL: Final = {
    "STRING": "bq_quoted({0})",
    "DATE": "'DATE \"' || CAST({0} AS VARCHAR) || '\"'",
    "DATETIME": "'DATETIME \"' || bq_datetime_text({0}) || '\"'",
    "TIME": "'TIME \"' || bq_time_text({0}) || '\"'",
    "TIMESTAMP": "'TIMESTAMP \"' || bq_timestamp_text({0}) || '\"'",
    "NUMERIC": "'NUMERIC \"' || bq_decimal_text({0}) || '\"'",
    "BIGNUMERIC": "'BIGNUMERIC \"' || bq_decimal_text({0}) || '\"'",
}


def _plain_text(call: Invocation, value: Value, *, is_literal: bool) -> str:
    if value.type.is_array:
        inner = _plain_text(call, Value("_x", value.type.of()), is_literal=is_literal)
        items = f"list_transform({value.sql}, lambda _x: {inner})"
        return f"COALESCE('[' || array_to_string({items}, ', ') || ']', 'NULL')"
    kind = value.type.kind
    template = (_LITERAL if is_literal else {}).get(kind) or _PLAIN.get(kind)
    if template is None:
        raise call.problem(f"The local BigQuery emulator does not support FORMAT %t of {kind}")
    return f"COALESCE({template.format(value.sql)}, 'NULL')"


def _pad(name: str) -> Handler:
    return signatures(
        f"STRING, INT64 -> STRING: bq_{name}({{0}}, {{1}}, ' ')",
        f"STRING, INT64, STRING -> STRING: bq_{name}({{0}}, {{1}}, {{2}})",
    )


def _edge(name: str) -> Handler:
    return signatures(
        f"STRING, INT64 -> STRING: bq_{name}({{0}}, {{1}})",
    )


def _regexp_replace(call: Invocation) -> Value:
    call.expect(3)
    subject, pattern = call.typed(0, STRING).sql, call.typed(1, STRING).sql
    replacement = call.typed(2, STRING).sql
    return Value(f"regexp_replace({subject}, {pattern}, {replacement}, 'g')", STRING)


def _hash(template: str) -> Handler:
    return signatures(
        f"STRING -> BYTES: {template}",
        f"BYTES -> BYTES: {template}",
    )


def _farm(call: Invocation) -> Value:
    call.analyzer.native("bq_farm_fingerprint")
    return signatures(
        "STRING -> INT64: bq_farm_fingerprint(encode({0}))",
        "BYTES -> INT64: bq_farm_fingerprint({0})",
    )(call)


def _sha512(call: Invocation) -> Value:
    call.analyzer.native("bq_sha512")
    return signatures(
        "STRING -> BYTES: bq_sha512(encode({0}))",
        "BYTES -> BYTES: bq_sha512({0})",
    )(call)


FUNCTIONS: Final[dict[str, Handler]] = {
    "CONCAT": _concat,
    "FORMAT": _format,
    "SPLIT": _split,
    "SUBSTR": _substr,
    "SUBSTRING": _substr,
    "TRIM": _trim("trim"),
    "LTRIM": _trim("ltrim"),
    "RTRIM": _trim("rtrim"),
    "LPAD": _pad("lpad"),
    "RPAD": _pad("rpad"),
    "LEFT": _edge("left"),
    "RIGHT": _edge("right"),
    "UPPER": signatures("STRING -> STRING: upper({0})"),
    "LOWER": signatures("STRING -> STRING: lower({0})"),
    "INITCAP": signatures("STRING -> STRING: bq_initcap({0})"),
    "LENGTH": signatures("STRING -> INT64: length({0})", "BYTES -> INT64: octet_length({0})"),
    "CHAR_LENGTH": signatures("STRING -> INT64: length({0})"),
    "CHARACTER_LENGTH": signatures("STRING -> INT64: length({0})"),
    "BYTE_LENGTH": signatures("STRING -> INT64: strlen({0})", "BYTES -> INT64: octet_length({0})"),
    "OCTET_LENGTH": signatures("STRING -> INT64: strlen({0})", "BYTES -> INT64: octet_length({0})"),
    "STARTS_WITH": signatures("STRING, STRING -> BOOL: starts_with({0}, {1})"),
    "ENDS_WITH": signatures("STRING, STRING -> BOOL: ends_with({0}, {1})"),
    "CONTAINS_SUBSTR": signatures("STRING, STRING -> BOOL: contains(lower({0}), lower({1}))"),
    "STRPOS": signatures("STRING, STRING -> INT64: strpos({0}, {1})"),
    "INSTR": signatures("STRING, STRING -> INT64: strpos({0}, {1})"),
    "REPLACE": signatures("STRING, STRING, STRING -> STRING: bq_replace({0}, {1}, {2})"),
    "REPEAT": signatures("STRING, INT64 -> STRING: repeat({0}, {1})"),
    "REVERSE": signatures("STRING -> STRING: reverse({0})"),
    "TRANSLATE": signatures("STRING, STRING, STRING -> STRING: translate({0}, {1}, {2})"),
    "ASCII": signatures("STRING -> INT64: CASE WHEN {0} = '' THEN 0 ELSE ascii({0}) END"),
    "UNICODE": signatures("STRING -> INT64: CASE WHEN {0} = '' THEN 0 ELSE unicode({0}) END"),
    "CHR": signatures("INT64 -> STRING: chr(CAST({0} AS INTEGER))"),
    "EDIT_DISTANCE": signatures("STRING, STRING -> INT64: levenshtein({0}, {1})"),
    "TO_CODE_POINTS": signatures(
        "STRING -> ARRAY<INT64>: bq_code_points({0})",
    ),
    "CODE_POINTS_TO_STRING": signatures(
        "ARRAY<INT64> -> STRING: bq_from_code_points({0})",
    ),
    "REGEXP_CONTAINS": signatures("STRING, STRING -> BOOL: regexp_matches({0}, {1})"),
    "REGEXP_EXTRACT": _regexp_extract,
    "REGEXP_SUBSTR": _regexp_extract,
    "REGEXP_EXTRACT_ALL": _regexp_extract_all,
    "REGEXP_REPLACE": _regexp_replace,
    "REGEXP_INSTR": _regexp_instr,
    "NORMALIZE": signatures("STRING -> STRING: nfc_normalize({0})"),
    "TO_HEX": signatures("BYTES -> STRING: lower(hex({0}))"),
    "FROM_HEX": signatures("STRING -> BYTES: bq_from_hex({0})"),
    "TO_BASE64": signatures("BYTES -> STRING: to_base64({0})"),
    "FROM_BASE64": signatures("STRING -> BYTES: from_base64({0})"),
    "SAFE_CONVERT_BYTES_TO_STRING": signatures("BYTES -> STRING: bq_bytes_to_text_lossy({0})"),
    "MD5": _hash("unhex(md5({0}))"),
    "SHA1": _hash("unhex(sha1({0}))"),
    "SHA256": _hash("unhex(sha256({0}))"),
    "SHA512": _sha512,
    "FARM_FINGERPRINT": _farm,
    "GENERATE_UUID": signatures("-> STRING: CAST(uuid() AS VARCHAR)"),
}
