"""Scripts: variables, control flow, handlers, dynamic SQL and transactions."""

import pytest

from tests.localgcp.bigquery_sql.memory_host import MemoryHost

SCRIPTS: list[tuple[str, list[tuple[object, ...]]]] = [
    ("DECLARE x INT64 DEFAULT 1; SET x = x + 4; SELECT x", [(5,)]),
    ("DECLARE x, y STRING; SELECT x, y", [(None, None)]),
    ("DECLARE d DEFAULT DATE '2024-01-01'; SELECT EXTRACT(YEAR FROM d)", [(2024,)]),
    (
        "DECLARE a INT64; DECLARE b ARRAY<STRING>; "
        "SET (a, b) = (SELECT AS STRUCT 1, ['k']); SELECT a, b[OFFSET(0)]",
        [(1, "k")],
    ),
    ("DECLARE x INT64 DEFAULT 2; IF x = 1 THEN SELECT 'a'; ELSEIF x = 2 THEN SELECT 'b'; "
     "ELSE SELECT 'c'; END IF", [("b",)]),
    ("CASE 2 WHEN 1 THEN SELECT 'a'; WHEN 2 THEN SELECT 'b'; END CASE", [("b",)]),
    ("DECLARE i INT64 DEFAULT 0; WHILE i < 3 DO SET i = i + 1; END WHILE; SELECT i", [(3,)]),
    ("DECLARE i INT64 DEFAULT 0; LOOP SET i = i + 1; IF i > 4 THEN BREAK; END IF; END LOOP; "
     "SELECT i", [(5,)]),
    ("DECLARE i INT64 DEFAULT 0; REPEAT SET i = i + 1; UNTIL i >= 2 END REPEAT; SELECT i",
     [(2,)]),
    ("DECLARE t INT64 DEFAULT 0; FOR r IN (SELECT x FROM UNNEST([1, 2, 3]) x) DO "
     "IF r.x = 2 THEN CONTINUE; END IF; SET t = t + r.x; END FOR; SELECT t", [(4,)]),
    ("DECLARE i INT64 DEFAULT 0; outer_loop: LOOP LOOP SET i = i + 1; LEAVE outer_loop; END LOOP; "
     "END LOOP; SELECT i", [(1,)]),
    ("DECLARE m STRING; BEGIN SELECT 1 / 0; EXCEPTION WHEN ERROR THEN SET m = @@error.message; "
     "END; SELECT m", [("division by zero: 1 / 0",)]),
    ("DECLARE x INT64 DEFAULT 1; BEGIN DECLARE x INT64 DEFAULT 2; END; SELECT x", [(1,)]),
    ("EXECUTE IMMEDIATE 'SELECT ? + @b' USING 1, 2 AS b", [(3,)]),
    ("DECLARE r INT64; EXECUTE IMMEDIATE 'SELECT 5' INTO r; SELECT r", [(5,)]),
    ("CREATE TEMP FUNCTION twice(x INT64) AS (x * 2); SELECT twice(4)", [(8,)]),
    ("CREATE TEMP FUNCTION first_of(a ANY TYPE) AS (a[OFFSET(0)]); SELECT first_of(['z'])",
     [("z",)]),
    ("CREATE TEMP TABLE t AS SELECT 1 AS a; INSERT t VALUES (2); SELECT SUM(a) FROM t", [(3,)]),
    ("CREATE TABLE ds.w (a INT64); INSERT ds.w VALUES (1), (2); SELECT @@row_count", [(2,)]),
    ("ASSERT 1 = 1 AS 'never'; SELECT 1", [(1,)]),
    ("SELECT 1; RETURN; SELECT 2", [(1,)]),
]  # fmt: skip


@pytest.mark.parametrize(("script", "rows"), SCRIPTS, ids=[script[0] for script in SCRIPTS])
def test_a_script_ends_with_these_rows(
    bq: MemoryHost, script: str, rows: list[tuple[object, ...]]
) -> None:
    assert bq.rows(script) == rows


FAILURES = [
    ("SET x = 1", "Undeclared variable: x at [1:5]"),
    ("DECLARE x INT64; SET x = 'a'", "Cannot coerce expression of type STRING to type INT64 at "
     "[1:26]"),
    ("SELECT 1; DECLARE x INT64", "Syntax error: Variable declarations are allowed only at the "
     "start of a block or script at [1:11]"),
    ("RAISE USING MESSAGE = 'boom'", "boom"),
    ("BEGIN SELECT 1 / 0; EXCEPTION WHEN ERROR THEN RAISE; END", "division by zero: 1 / 0"),
    ("ASSERT FALSE AS 'no rows'", "no rows"),
    ("COMMIT", "COMMIT TRANSACTION without a transaction in progress"),
    ("BREAK", "BREAK is only allowed inside of a loop"),
    ("SELECT 1;\nSELECT nope", "Unrecognized name: nope at [2:8]"),
    ("EXECUTE IMMEDIATE 'SELECT 1; SELECT 2'", "EXECUTE IMMEDIATE takes exactly one SQL statement"),
]  # fmt: skip


@pytest.mark.parametrize(("script", "message"), FAILURES)
def test_a_script_fails_with_this_message(bq: MemoryHost, script: str, message: str) -> None:
    assert bq.error(script) == message


def test_each_statement_of_a_script_is_an_outcome(bq: MemoryHost) -> None:
    done = bq.run("DECLARE x INT64 DEFAULT 1;\nCREATE TABLE t AS SELECT x AS a;\nSELECT a FROM t")
    assert done.is_script
    assert [(o.statement_type, o.text, o.position) for o in done.outcomes] == [
        ("CREATE_TABLE_AS_SELECT", "CREATE TABLE t AS SELECT x AS a", (2, 1)),
        ("SELECT", "SELECT a FROM t", (3, 1)),
    ]


def test_one_statement_behind_temporary_functions_is_no_script(bq: MemoryHost) -> None:
    done = bq.run("CREATE TEMP FUNCTION f() AS (1); SELECT f()")
    assert not done.is_script
    assert [o.statement_type for o in done.outcomes] == ["SELECT"]


def test_what_ran_before_a_failure_is_told(bq: MemoryHost) -> None:
    done = bq.run("CREATE TABLE t (x INT64); SELECT 1 / 0; SELECT 3")
    assert [o.statement_type for o in done.outcomes] == ["CREATE_TABLE", "SELECT"]
    assert done.error is not None
    assert done.outcomes[-1].error is done.error


def test_a_transaction_is_all_or_nothing(bq: MemoryHost) -> None:
    bq.rows("CREATE TABLE t (x INT64); SELECT 1")
    bq.rows("BEGIN TRANSACTION; INSERT t VALUES (1); COMMIT TRANSACTION; SELECT 1")
    bq.rows("BEGIN; INSERT t VALUES (2); ROLLBACK; SELECT 1")
    bq.run("BEGIN TRANSACTION; INSERT t VALUES (3); SELECT 1 / 0; COMMIT TRANSACTION")
    bq.run("BEGIN TRANSACTION; INSERT t VALUES (4)")
    assert bq.rows("SELECT x FROM t") == [(1,)]


def test_a_handler_may_roll_a_transaction_back(bq: MemoryHost) -> None:
    bq.rows("CREATE TABLE t (x INT64); SELECT 1")
    assert bq.rows(
        "BEGIN BEGIN TRANSACTION; INSERT t VALUES (1); SELECT ERROR('no'); COMMIT TRANSACTION; "
        "EXCEPTION WHEN ERROR THEN ROLLBACK TRANSACTION; SELECT @@error.message; END"
    ) == [("no",)]
    assert bq.rows("SELECT COUNT(*) FROM t") == [(0,)]


def test_stored_functions_outlive_their_script(bq: MemoryHost) -> None:
    done = bq.run("CREATE FUNCTION ds.half(x INT64) RETURNS FLOAT64 AS (x / 2)")
    assert done.outcomes[0].statement_type == "CREATE_FUNCTION"
    bq.run("CREATE TABLE FUNCTION ds.upto(n INT64) AS SELECT x FROM UNNEST(GENERATE_ARRAY(1, n)) x")
    assert bq.rows("SELECT ds.half(3)") == [(1.5,)]
    assert bq.rows("SELECT SUM(x) FROM ds.upto(3)") == [(6,)]
    bq.run("DROP FUNCTION ds.half")
    assert bq.error("SELECT ds.half(3)").startswith("Function not found: ds.half")


def test_a_cancelled_script_stops_between_statements(bq: MemoryHost) -> None:
    answers = iter([False, True])
    done = bq.run("SELECT 1; SELECT 2", is_cancelled=lambda: next(answers))
    assert done.error is not None
    assert done.error.reason == "stopped"
    assert len(done.outcomes) == 1
