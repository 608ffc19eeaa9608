"""What GoogleSQL expressions give, one row a rule."""

# ruff: noqa: DTZ001  # a DATETIME has no zone

from datetime import date, datetime, time
from decimal import Decimal

import pytest

from tests.localgcp.bigquery_sql.memory_host import MemoryHost

NULL = None
CASES: list[tuple[str, object]] = [
    # Numbers
    ("7 / 2", 3.5),
    ("DIV(-7, 2)", -3),
    ("MOD(-7, 2)", -1),
    ("CAST(2.5 AS INT64)", 3),
    ("CAST(-2.5 AS INT64)", -3),
    ("ROUND(2.5)", 3.0),
    ("ROUND(2.345, 2)", 2.35),
    ("TRUNC(-1.7)", -1.0),
    ("SAFE_DIVIDE(1, 0)", NULL),
    ("SAFE_ADD(9223372036854775807, 1)", NULL),
    ("IEEE_DIVIDE(1, 0) = CAST('inf' AS FLOAT64)", True),
    ("NUMERIC '10' / 3", Decimal("3.333333333")),
    ("NUMERIC '-2' / NUMERIC '0.7'", Decimal("-2.857142857")),
    ("CAST(1.23456789055 AS NUMERIC)", Decimal("1.234567891")),
    ("NUMERIC '1.1' + 1.5", Decimal("2.6")),
    ("GREATEST(1, NULL)", NULL),
    ("LEAST(3, 1.5)", 1.5),
    ("0x1F", 31),
    ("-9223372036854775808", -(2**63)),
    ("1 << 3", 8),
    ("-1 >> 1", 2**63 - 1),
    ("5 ^ 3", 6),
    ("BIT_COUNT(7)", 3),
    ("RANGE_BUCKET(20, [0, 10, 20, 30])", 3),
    # Text of values
    ("CAST(1.0 AS STRING)", "1"),
    ("CAST(1e20 AS STRING)", "1e+20"),
    ("CAST(0.1 + 0.2 AS STRING)", "0.30000000000000004"),
    ("CAST(NUMERIC '1.50' AS STRING)", "1.5"),
    ("CAST(TRUE AS STRING)", "true"),
    ("CAST(TIMESTAMP '2024-01-01 00:00:00.5' AS STRING)", "2024-01-01 00:00:00.500+00"),
    ("CAST(DATETIME '2024-01-01 00:00:00.000123' AS STRING)", "2024-01-01 00:00:00.000123"),
    ("CAST(b'abc' AS STRING)", "abc"),
    ("SAFE_CAST('1.5' AS INT64)", NULL),
    ("SAFE_CAST('0x1f' AS INT64)", 31),
    ("CAST('TRUE' AS BOOL)", True),
    ("SAFE_CAST('yes' AS BOOL)", NULL),
    ("CAST('2024-1-5' AS DATE)", date(2024, 1, 5)),
    ("SAFE_CAST('2024/01/05' AS DATE)", NULL),
    ("SAFE_CAST('2024-02-31' AS DATE)", NULL),
    ("CAST('1:2:3' AS TIME)", time(1, 2, 3)),
    ("CAST(CAST('2024-01-01 10:00:00+02' AS TIMESTAMP) AS STRING)", "2024-01-01 08:00:00+00"),
    (
        "CAST(CAST('2024-01-05 01:02:03 America/New_York' AS TIMESTAMP) AS STRING)",
        "2024-01-05 06:02:03+00",
    ),
    ("CAST(DATE '2024-01-05' AS STRING FORMAT 'DD/MM/YYYY')", "05/01/2024"),
    ("CAST('05.01.2024' AS DATE FORMAT 'DD.MM.YYYY')", date(2024, 1, 5)),
    ("CAST(b'\\x00\\xff' AS STRING FORMAT 'HEX')", "00ff"),
    # Strings and bytes
    ("'a' || 'b'", "ab"),
    ("CONCAT('a', NULL)", NULL),
    ("SUBSTR('hello', -3)", "llo"),
    ("SUBSTR('hello', 2, 2)", "el"),
    ("SUBSTR('hello', 0)", "hello"),
    ("LPAD('a', 3, 'xy')", "xya"),
    ("INITCAP('hello world-foo')", "Hello World-Foo"),
    ("TRIM('\\t a \\n')", "a"),
    ("TRIM('xxaxx', 'x')", "a"),
    ("SPLIT('a,b')", ["a", "b"]),
    ("SPLIT('', ',')", [""]),
    ("STRPOS('abc', 'c')", 3),
    ("LENGTH('é')", 1),
    ("BYTE_LENGTH('é')", 2),
    ("LENGTH(b'abc')", 3),
    ("REPLACE('aa', '', 'x')", "aa"),
    ("REGEXP_EXTRACT('abc123', r'(\\d+)')", "123"),
    ("REGEXP_EXTRACT('abc', r'x')", NULL),
    ("REGEXP_EXTRACT('ab', r'b')", "b"),
    ("REGEXP_EXTRACT_ALL('a1b2', r'[a-z](\\d)')", ["1", "2"]),
    ("REGEXP_REPLACE('abc', r'(b)', r'[\\1]')", "a[b]c"),
    ("'a%b' LIKE r'a\\%b'", True),
    ("'acb' LIKE r'a\\%b'", False),
    ("'x' LIKE ANY ('a%', 'x')", True),
    ("FORMAT('%d|%5.2f|%s|%05d|%T', 1, 1.234, 'a', 42, 'q')", '1| 1.23|a|00042|"q"'),
    ("FORMAT('%\\'d', 1234567)", "1,234,567"),
    ("TO_HEX(MD5('a'))", "0cc175b9c0f1b6a831c399e269772661"),
    ("MD5('')", bytes.fromhex("d41d8cd98f00b204e9800998ecf8427e")),
    ("TO_HEX(SHA1('a'))", "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"),
    ("TO_BASE64(SHA256('a'))", "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="),
    ("LENGTH(SHA512('a'))", 64),
    ("FROM_HEX('00ff')", b"\x00\xff"),
    ("b'\\x00\\xff'", b"\x00\xff"),
    ("LENGTH(GENERATE_UUID())", 36),
    # Dates and times
    ("DATE_TRUNC(DATE '2024-05-17', WEEK)", date(2024, 5, 12)),
    ("DATE_TRUNC(DATE '2024-05-17', WEEK(MONDAY))", date(2024, 5, 13)),
    ("DATE_TRUNC(DATE '2024-01-01', ISOYEAR)", date(2024, 1, 1)),
    ("DATE_TRUNC(DATE '2021-01-01', ISOYEAR)", date(2019, 12, 30)),
    ("DATE_DIFF(DATE '2024-01-07', DATE '2024-01-06', WEEK)", 1),
    ("DATE_DIFF('2024-03-01', '2024-01-31', MONTH)", 2),
    ("TIMESTAMP_DIFF('2024-01-01 01:00:00', TIMESTAMP '2024-01-01 00:00:01', HOUR)", 0),
    ("DATETIME_DIFF(DATETIME '2024-01-02', DATETIME '2024-01-01 23:59:59', DAY)", 1),
    ("DATE_ADD(DATE '2024-01-31', INTERVAL 1 MONTH)", date(2024, 2, 29)),
    ("DATE '2024-01-01' + 1", date(2024, 1, 2)),
    ("DATE_SUB('2024-01-01', INTERVAL 1 QUARTER)", date(2023, 10, 1)),
    ("LAST_DAY(DATE '2024-02-10')", date(2024, 2, 29)),
    ("EXTRACT(DAYOFWEEK FROM DATE '2024-05-19')", 1),
    ("EXTRACT(WEEK FROM DATE '2024-01-06')", 0),
    ("EXTRACT(WEEK FROM DATE '2024-01-07')", 1),
    ("EXTRACT(ISOWEEK FROM DATE '2024-12-31')", 1),
    ("EXTRACT(HOUR FROM TIMESTAMP '2024-01-01 00:00:00' AT TIME ZONE 'Asia/Tokyo')", 9),
    ("EXTRACT(DATE FROM TIMESTAMP '2024-01-01 23:00:00')", date(2024, 1, 1)),
    ("FORMAT_DATE('%Y%m%d', DATE '2024-01-02')", "20240102"),
    ("FORMAT_DATE('%b-%d %A', DATE '2024-01-02')", "Jan-02 Tuesday"),
    ("FORMAT_TIMESTAMP('%F %T %Z', TIMESTAMP '2024-01-02 03:04:05')", "2024-01-02 03:04:05 UTC"),
    ("FORMAT_TIMESTAMP('%H%Ez', TIMESTAMP '2024-01-02 03:04:05', '+05:30')", "08+05:30"),
    ("FORMAT_DATETIME('%E3S', DATETIME '2024-01-02 03:04:05.5')", "05.500"),
    ("PARSE_DATE('%Y%m%d', '20240102')", date(2024, 1, 2)),
    ("PARSE_DATETIME('%Y-%m-%dT%H:%M:%E*S', '2024-01-02T03:04:05.5')",
     datetime(2024, 1, 2, 3, 4, 5, 500000)),
    ("SAFE.PARSE_DATE('%Y%m%d', 'x')", NULL),
    ("STRING(TIMESTAMP '2024-01-01', 'Asia/Tokyo')", "2024-01-01 09:00:00+09"),
    ("DATE(TIMESTAMP '2024-01-01', 'America/New_York')", date(2023, 12, 31)),
    ("DATETIME(TIMESTAMP '2024-01-01', 'Asia/Tokyo')", datetime(2024, 1, 1, 9)),
    ("UNIX_SECONDS(TIMESTAMP '1969-12-31 23:59:59.5')", -1),
    ("UNIX_MILLIS(TIMESTAMP_MILLIS(1500))", 1500),
    ("TIME_DIFF(TIME '10:00:00', TIME '09:30:00', MINUTE)", 30),
    ("CAST(INTERVAL '1-2' YEAR TO MONTH AS STRING)", "1-2 0 0:0:0"),
    ("CAST(DATE '2024-01-03' - DATE '2024-01-01' AS STRING)", "0-0 2 0:0:0"),
    # Arrays and structs
    ("GENERATE_ARRAY(1, 10, 3)", [1, 4, 7, 10]),
    ("GENERATE_DATE_ARRAY('2024-01-01', '2024-01-03')",
     [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 3)]),
    ("[1, 2][OFFSET(0)]", 1),
    ("[1, 2][ORDINAL(2)]", 2),
    ("[1, 2][SAFE_OFFSET(5)]", NULL),
    ("[1, 2][SAFE_OFFSET(-1)]", NULL),
    ("ARRAY_TO_STRING(['a', NULL, 'b'], '-')", "a-b"),
    ("ARRAY_TO_STRING(['a', NULL, 'b'], '-', '?')", "a-?-b"),
    ("ARRAY_LENGTH([1, 2])", 2),
    ("ARRAY(SELECT x FROM UNNEST([2, 1]) x ORDER BY x)", [1, 2]),
    ("1 IN UNNEST([1, NULL])", True),
    ("2 IN UNNEST([1, NULL])", NULL),
    ("1 IN UNNEST(CAST(NULL AS ARRAY<INT64>))", False),
    ("STRUCT(1 AS a, STRUCT(2 AS b) AS c).c.b", 2),
    ("(SELECT AS STRUCT 1 AS x, 2 AS y).y", 2),
    ("(1, 'a') = (1, 'a')", True),
    ("(2, 'b') IN ((1, 'a'), (2, NULL))", NULL),
    ("[STRUCT(1 AS a, NULL AS b), (2, 'x')][OFFSET(1)].b", "x"),
    ("ARRAY_AGG(x)[OFFSET(0)] FROM UNNEST([7]) x", 7),
    # Conditions
    ("NULL IS NULL", True),
    ("NULL = 1", NULL),
    ("1 IS DISTINCT FROM NULL", True),
    ("IF(NULL, 1, 2)", 2),
    ("CASE 2 WHEN 1 THEN 'a' WHEN 2 THEN 'b' END", "b"),
    ("COALESCE(NULL, 'a')", "a"),
    ("IFNULL(NULL, 2)", 2),
    ("NULLIF(1, 1)", NULL),
    ("1 NOT IN (2, NULL)", NULL),
    ("DATE '2024-01-01' = '2024-01-01'", True),
    # JSON
    ("JSON_VALUE('{\"a\": {\"b\": 1.5}}', '$.a.b')", "1.5"),
    ("JSON_VALUE('{\"a\": [1]}', '$.a')", NULL),
    ("JSON_QUERY('{\"a\": {\"b\": 1}}', '$.a')", '{"b":1}'),
    ("JSON_VALUE('not json', '$.a')", NULL),
    ("JSON_EXTRACT_SCALAR('{\"a.b\": \"x\"}', \"$['a.b']\")", "x"),
    ("JSON '{\"a\": [1, 2]}'.a[1]", "2"),
    ("INT64(JSON '5')", 5),
    ("JSON_VALUE_ARRAY('[\"a\", 1]')", ["a", "1"]),
    ("JSON_TYPE(JSON '[1]')", "array"),
    (
        "TO_JSON_STRING(STRUCT(1 AS a, 'x\"y' AS b, [1.5, 2.0] AS c, DATE '2024-01-01' AS d, "
        "TIMESTAMP '2024-01-01 00:00:00' AS e, CAST(NULL AS STRING) AS f, b'ab' AS g))",
        '{"a":1,"b":"x\\"y","c":[1.5,2],"d":"2024-01-01","e":"2024-01-01T00:00:00Z","f":null,'
        '"g":"YWI="}',
    ),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "expected"), CASES, ids=[case[0] for case in CASES])
def test_an_expression_gives_what_bigquery_gives(
    shared: MemoryHost, expression: str, expected: object
) -> None:
    assert shared.one(expression) == expected


FINGERPRINTS = [
    ("", -7286425919675154353),
    ("1footrue", -1541654101129638711),
    ("2applefalse", 2794438866806483259),
    ("3true", -4880158226897771312),
    (("mainstem" * 30)[:20], 5709977124457214753),
    (("mainstem" * 30)[:40], -4711414384919980054),
    (("mainstem" * 30)[:64], 6540560794493485599),
    (("mainstem" * 30)[:65], -2137556040434223118),
    (("mainstem" * 30)[:200], 6029861739533675565),
]


@pytest.mark.parametrize(("text", "expected"), FINGERPRINTS)
def test_farm_fingerprint_is_exact(shared: MemoryHost, text: str, expected: int) -> None:
    assert shared.one(f"FARM_FINGERPRINT('{text}')") == expected


TYPES = [
    ("1", "INT64"),
    ("1.5", "FLOAT64"),
    ("1 + NUMERIC '1'", "NUMERIC"),
    ("BIGNUMERIC '1' * 2", "BIGNUMERIC"),
    ("NULL", "INT64"),
    ("'a'", "STRING"),
    ("MD5('a')", "BYTES"),
    ("CURRENT_DATE()", "DATE"),
    ("CURRENT_TIMESTAMP", "TIMESTAMP"),
    ("DATETIME '2024-01-01'", "DATETIME"),
    ("[1, 2.5]", "ARRAY<FLOAT64>"),
    ("STRUCT(1 AS a, 'x' AS b)", "STRUCT<a INT64, b STRING>"),
    ("ARRAY(SELECT AS STRUCT 1 AS a)", "ARRAY<STRUCT<a INT64>>"),
    ("PARSE_JSON('1')", "JSON"),
    ("TIMESTAMP_DIFF(CURRENT_TIMESTAMP(), CURRENT_TIMESTAMP(), DAY)", "INT64"),
    ("IF(TRUE, NULL, 'x')", "STRING"),
    ("DATE '2024-01-01' + INTERVAL 1 DAY", "DATETIME"),
]


@pytest.mark.parametrize(("expression", "kind"), TYPES)
def test_an_expression_has_bigquerys_type(shared: MemoryHost, expression: str, kind: str) -> None:
    assert shared.schema(f"SELECT {expression} AS x") == [("x", kind)]


ERRORS = [
    ("1 / 0", "division by zero: 1 / 0"),
    ("MOD(1, 0)", "division by zero: MOD(1, 0)"),
    ("9223372036854775807 + 1", "int64 overflow: 9223372036854775807 + 1"),
    ("CAST('x' AS INT64)", "Bad int64 value: x"),
    ("CAST('1.5' AS INT64)", "Bad int64 value: 1.5"),
    ("CAST('abc' AS DATE)", "Invalid date: abc"),
    ("[1][OFFSET(5)]", "Array index 5 is out of bounds (overflow)"),
    ("SQRT(-1)", "Argument to SQRT cannot be negative: -1"),
    ("(SELECT x FROM UNNEST([1, 2]) x)", "Scalar subquery produced more than one element"),
    ("PARSE_DATE('%Y', 'x')", 'Failed to parse input string "x"'),
    ("ERROR('boom')", "boom"),
    ("DATE '2024-13-01'", 'Could not cast literal "2024-13-01" to type DATE at [1:8]'),
    (
        "1 = 'a'",
        "No matching signature for operator = for argument types: INT64, STRING. "
        "Supported signature: ANY = ANY at [1:10]",
    ),
    (
        "UPPER(1)",
        "No matching signature for function UPPER for argument types: INT64. "
        "Supported signatures: UPPER(STRING) at [1:8]",
    ),
    ("foo(1)", "Function not found: foo; Did you mean FLOOR? at [1:8]"),
    (
        "ST_GEOGPOINT(1, 2)",
        "The local BigQuery emulator does not support function ST_GEOGPOINT at [1:8]",
    ),
    ("ML.PREDICT(1)", "The local BigQuery emulator does not support function ML.PREDICT at [1:8]"),
    (
        "UPPER(DISTINCT 'a')",
        "DISTINCT is not supported for the scalar function UPPER at [1:8]",
    ),
    ("CAST('a' AS GEOGRAPHY)", "The local BigQuery emulator does not support type GEOGRAPHY at "
     "[1:20]"),
    ("RANGE<DATE> '[2024-01-01, 2024-02-01)'",
     "The local BigQuery emulator does not support RANGE at [1:8]"),
    ("BIGNUMERIC '1' / 3",
     "The local BigQuery emulator does not support division of BIGNUMERIC at [1:23]"),
    ("CAST(TRUE AS DATE)", "Invalid cast from BOOL to DATE at [1:13]"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "message"), ERRORS)
def test_a_wrong_expression_fails_in_bigquerys_words(
    shared: MemoryHost, expression: str, message: str
) -> None:
    assert shared.error(f"SELECT {expression}") == message
