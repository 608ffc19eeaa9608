"""Statements that change data and definitions, and what they report."""

import json
from decimal import Decimal

import pytest

from mainstem.localgcp.bigquery.errors import BigQueryError
from mainstem.localgcp.bigquery.model import RangePartitioning, TableRef, TimePartitioning
from mainstem.localgcp.bigquery.sql.outcome import DmlStats, Outcome
from tests.localgcp.bigquery_sql.memory_host import MemoryHost


def only(bq: MemoryHost, text: str) -> Outcome:
    done = bq.run(text)
    if done.error is not None:
        raise done.error
    (outcome,) = done.outcomes
    return outcome


@pytest.fixture
def people(bq: MemoryHost) -> MemoryHost:
    only(bq, "CREATE TABLE ds.people (id INT64 NOT NULL, name STRING DEFAULT 'x', n NUMERIC(10, 2),"
             " tags ARRAY<STRING>, place STRUCT<city STRING, zip INT64>)")  # fmt: skip
    only(bq, "INSERT INTO ds.people (id, name) VALUES (1, 'ann'), (2, DEFAULT)")
    return bq


def test_an_insert_counts_its_rows_and_fills_defaults(people: MemoryHost) -> None:
    done = only(
        people, "INSERT people (id, n, place) SELECT 3, NUMERIC '1.239', STRUCT('Rome', 10)"
    )
    assert (done.statement_type, done.dml) == ("INSERT", DmlStats(inserted=1))
    assert people.rows("SELECT name, n, place.city FROM people WHERE id = 3") == [
        ("x", Decimal("1.24"), "Rome")
    ]
    assert people.rows("SELECT tags FROM people WHERE id = 1")[0][0] in (None, [])


def test_required_columns_must_be_filled(people: MemoryHost) -> None:
    message = people.error("INSERT people (name) VALUES ('b')")
    assert message == "Required column id is missing in the INSERT list at [1:8]"
    assert people.error("INSERT people (id) SELECT NULL") == "Required field id cannot be null"
    assert people.rows("SELECT COUNT(*) FROM people") == [(2,)]


def test_an_insert_of_the_wrong_type_names_the_column(people: MemoryHost) -> None:
    assert people.error("INSERT people (id) SELECT 'a'") == (
        "Query column 1 has type STRING which cannot be inserted into column id, which has type "
        "INT64 at [1:20]"
    )


def test_an_update_changes_one_member_of_a_struct(people: MemoryHost) -> None:
    only(people, "UPDATE people SET place = ('Rome', 1) WHERE id = 1")
    done = only(people, "UPDATE people p SET p.place.city = 'Oslo', tags = ['a'] WHERE p.id = 1")
    assert done.dml == DmlStats(updated=1)
    assert people.rows("SELECT place, tags FROM people WHERE id = 1") == [
        ({"city": "Oslo", "zip": 1}, ["a"])
    ]


def test_an_update_from_two_rows_for_one_is_refused(people: MemoryHost) -> None:
    sql = "UPDATE people SET name = s.v FROM UNNEST([{0}]) s WHERE people.id = s.k"
    done = only(people, sql.format("STRUCT(1 AS k, 'b' AS v)"))
    assert done.dml == DmlStats(updated=1)
    assert people.error(sql.format("STRUCT(1 AS k, 'c' AS v), (1, 'd')")) == (
        "UPDATE/MERGE must match at most one source row for each target row"
    )
    assert people.rows("SELECT name FROM people WHERE id = 1") == [("b",)]


def test_a_merge_updates_inserts_and_deletes(people: MemoryHost) -> None:
    done = only(
        people,
        "MERGE people t USING (SELECT 1 AS id, 'm' AS name UNION ALL SELECT 9, 'n') s "
        "ON t.id = s.id WHEN MATCHED THEN UPDATE SET name = s.name "
        "WHEN NOT MATCHED THEN INSERT (id, name) VALUES (id, name) "
        "WHEN NOT MATCHED BY SOURCE AND t.id = 2 THEN DELETE",
    )
    assert (done.statement_type, done.dml) == ("MERGE", DmlStats(1, 1, 1))
    assert people.rows("SELECT id, name FROM people ORDER BY id") == [(1, "m"), (9, "n")]


def test_a_merge_on_false_replaces_what_it_names(people: MemoryHost) -> None:
    only(people, "CREATE TABLE other AS SELECT * REPLACE (id + 10 AS id) FROM people")
    done = only(
        people,
        "MERGE INTO people AS d USING (SELECT * FROM other) AS s ON FALSE "
        "WHEN NOT MATCHED BY SOURCE AND d.id IN UNNEST([1]) THEN DELETE "
        "WHEN NOT MATCHED THEN INSERT ROW",
    )
    assert done.dml == DmlStats(inserted=2, deleted=1)
    assert people.rows("SELECT id FROM people ORDER BY id") == [(2,), (11,), (12,)]


def test_a_merge_that_matches_twice_is_refused(people: MemoryHost) -> None:
    assert (
        people.error("MERGE people t USING UNNEST([1, 1]) s ON t.id = s WHEN MATCHED THEN DELETE")
        == "UPDATE/MERGE must match at most one source row for each target row"
    )
    assert people.rows("SELECT COUNT(*) FROM people") == [(2,)]


def test_delete_and_truncate_count(people: MemoryHost) -> None:
    assert only(people, "DELETE FROM people AS p WHERE p.id = 1").dml == DmlStats(deleted=1)
    done = only(people, "TRUNCATE TABLE people")
    assert (done.statement_type, done.dml) == ("TRUNCATE_TABLE", DmlStats(deleted=1))


def test_create_table_reports_what_it_did(bq: MemoryHost) -> None:
    made = only(bq, "CREATE TABLE t (x INT64)")
    assert (made.statement_type, made.ddl_operation) == ("CREATE_TABLE", "CREATE")
    assert made.target_table == TableRef("proj", "ds", "t")
    assert only(bq, "CREATE TABLE IF NOT EXISTS t (y INT64)").ddl_operation == "SKIP"
    assert bq.error("CREATE TABLE t (x INT64)") == "Already Exists: Table proj:ds.t"
    replaced = only(bq, "CREATE OR REPLACE TABLE t AS SELECT 1 AS x, 'a' AS y")
    assert replaced.statement_type == "CREATE_TABLE_AS_SELECT"
    assert replaced.ddl_operation == "REPLACE"
    again = only(bq, "CREATE OR REPLACE TABLE ds.t AS SELECT x + 1 AS x FROM t")
    assert again.referenced == (TableRef("proj", "ds", "t"),)
    assert bq.rows("SELECT * FROM t") == [(2,)]


def test_a_contract_gives_the_query_its_columns(bq: MemoryHost) -> None:
    only(bq, "CREATE TABLE t (a INT64 NOT NULL OPTIONS (description = 'key'), b NUMERIC) AS "
             "(SELECT a, b FROM (SELECT 1 AS a, 2 AS b))")  # fmt: skip
    assert bq.rows("SELECT b FROM t") == [(Decimal(2),)]
    table = bq.table(TableRef("proj", "ds", "t"))
    assert table is not None
    assert [(f.name, f.mode, f.description) for f in table.schema] == [
        ("a", "REQUIRED", "key"),
        ("b", "NULLABLE", None),
    ]


def test_keys_are_kept_and_not_enforced(bq: MemoryHost) -> None:
    only(bq, "CREATE TABLE parent (id INT64, PRIMARY KEY (id) NOT ENFORCED)")
    only(
        bq,
        "CREATE TABLE child (id INT64 PRIMARY KEY NOT ENFORCED, "
        "p INT64 REFERENCES ds.parent (id) NOT ENFORCED)",
    )
    only(bq, "INSERT child VALUES (1, 99), (1, 98)")
    table = bq.table(TableRef("proj", "ds", "child"))
    assert table is not None
    assert table.primary_key == ("id",)
    assert json.loads(table.foreign_keys or "")[0]["columnReferences"] == [
        {"referencingColumn": "p", "referencedColumn": "id"}
    ]


PARTITIONS: list[tuple[str, TimePartitioning | RangePartitioning]] = [
    ("d", TimePartitioning("DAY", "d")),
    ("DATE_TRUNC(d, MONTH)", TimePartitioning("MONTH", "d")),
    ("DATE(ts)", TimePartitioning("DAY", "ts")),
    ("TIMESTAMP_TRUNC(ts, HOUR)", TimePartitioning("HOUR", "ts")),
    ("DATETIME_TRUNC(dt, YEAR)", TimePartitioning("YEAR", "dt")),
    ("_PARTITIONDATE", TimePartitioning("DAY")),
    ("TIMESTAMP_TRUNC(_PARTITIONTIME, MONTH)", TimePartitioning("MONTH")),
    ("RANGE_BUCKET(n, GENERATE_ARRAY(0, 100, 10))", RangePartitioning("n", 0, 100, 10)),
]


@pytest.mark.parametrize(("by", "layout"), PARTITIONS)
def test_every_form_of_partition_by_is_kept(
    bq: MemoryHost, by: str, layout: TimePartitioning | RangePartitioning
) -> None:
    only(bq, f"CREATE TABLE t (d DATE, ts TIMESTAMP, dt DATETIME, n INT64) PARTITION BY {by} "
             "CLUSTER BY n, d OPTIONS (description = 'about', labels = [('k', 'v')])")  # fmt: skip
    table = bq.table(TableRef("proj", "ds", "t"))
    assert table is not None
    assert (table.time_partitioning or table.range_partitioning) == layout
    assert (table.clustering, table.description) == (("n", "d"), "about")
    assert table.labels == (("k", "v"),)


def test_a_partition_filter_that_is_required_is_demanded(bq: MemoryHost) -> None:
    only(bq, "CREATE TABLE t PARTITION BY d OPTIONS (require_partition_filter = TRUE) AS "
             "SELECT DATE '2024-01-01' AS d, 1 AS x")  # fmt: skip
    assert bq.error("SELECT * FROM t") == (
        "Cannot query over table 'proj.ds.t' without a filter over column(s) 'd' that can be used "
        "for partition elimination at [1:15]"
    )
    assert bq.rows("SELECT x FROM (SELECT * FROM t) WHERE d = '2024-01-01'") == [(1,)]
    assert "partition elimination" in bq.error("DELETE FROM t WHERE x = 1")


def test_ingestion_time_is_a_pseudo_column(bq: MemoryHost) -> None:
    only(bq, "CREATE TABLE t (x INT64) PARTITION BY _PARTITIONDATE")
    only(bq, "INSERT t (_PARTITIONTIME, x) VALUES (TIMESTAMP '2024-01-01', 1)")
    assert bq.rows("SELECT * FROM t") == [(1,)]
    assert bq.rows("SELECT CAST(_PARTITIONDATE AS STRING) FROM t") == [("2024-01-01",)]


def test_an_unknown_option_is_refused_by_name(bq: MemoryHost) -> None:
    assert bq.error("CREATE TABLE t (x INT64) OPTIONS (colour = 'red')").startswith(
        "Unknown option: colour"
    )
    assert bq.run("SELECT * FROM t").error is not None


def test_a_view_is_its_query(people: MemoryHost) -> None:
    done = only(people, "CREATE VIEW v (key OPTIONS (description = 'k')) AS SELECT id FROM people")
    assert (done.statement_type, done.ddl_operation) == ("CREATE_VIEW", "CREATE")
    assert people.rows("SELECT key FROM v ORDER BY 1") == [(1,), (2,)]
    only(people, "DELETE people WHERE id = 1")
    assert people.rows("SELECT COUNT(*) FROM ds.v") == [(1,)]
    only(people, "DROP TABLE people")
    assert people.error("SELECT * FROM v").startswith("Invalid view proj:ds.v: Not found: Table")


def test_drop_says_what_is_in_the_way(people: MemoryHost) -> None:
    assert only(people, "DROP TABLE IF EXISTS nope").ddl_operation == "SKIP"
    assert "it is currently a TABLE" in people.error("DROP VIEW people")
    assert people.error("DROP TABLE nope").startswith("Not found: Table proj:ds.nope")
    assert only(people, "DROP TABLE people").ddl_operation == "DROP"


def test_alter_table_changes_columns(people: MemoryHost) -> None:
    only(people, "ALTER TABLE people ADD COLUMN age INT64, ADD COLUMN IF NOT EXISTS name STRING")
    only(people, "ALTER TABLE people ALTER COLUMN age SET DATA TYPE NUMERIC")
    only(
        people,
        "ALTER TABLE people ALTER COLUMN age SET DEFAULT 7, "
        "ALTER COLUMN id DROP NOT NULL, DROP COLUMN tags, RENAME COLUMN n TO amount",
    )
    only(people, "INSERT people (name) VALUES ('c')")
    assert people.rows("SELECT age, amount FROM people WHERE name = 'c'") == [(Decimal(7), None)]
    assert "Column not found: tags" in people.error("ALTER TABLE people DROP COLUMN tags")
    assert "assignable" in people.error("ALTER TABLE people ALTER COLUMN name SET DATA TYPE INT64")
    only(people, "ALTER TABLE people RENAME TO folk")
    assert people.rows("SELECT COUNT(*) FROM folk") == [(3,)]


def test_copies_clones_and_snapshots_keep_rows(people: MemoryHost) -> None:
    only(people, "CREATE TABLE a COPY people")
    only(people, "CREATE TABLE b CLONE people")
    made = only(people, "CREATE SNAPSHOT TABLE c CLONE people")
    assert made.statement_type == "CREATE_SNAPSHOT_TABLE"
    only(people, "CREATE TABLE d LIKE people")
    counts = [people.rows(f"SELECT COUNT(*) FROM {name}")[0][0] for name in "abcd"]
    assert counts == [2, 2, 2, 0]
    assert "is a SNAPSHOT" in people.error("DELETE c WHERE TRUE")


def test_datasets_come_and_go(bq: MemoryHost) -> None:
    done = only(bq, "CREATE SCHEMA other OPTIONS (location = 'EU', labels = [('a', 'b')])")
    assert (done.statement_type, done.ddl_operation) == ("CREATE_SCHEMA", "CREATE")
    only(bq, "CREATE TABLE other.t (x INT64)")
    assert "still in use" in bq.error("DROP SCHEMA other")
    only(bq, "DROP SCHEMA other CASCADE")
    assert bq.error("SELECT * FROM other.t").startswith("Not found: Dataset proj:other")


def test_wildcard_tables_have_a_suffix(bq: MemoryHost) -> None:
    only(bq, "CREATE TABLE ev_1 AS SELECT 1 AS a")
    only(bq, "CREATE TABLE ev_2 AS SELECT 2 AS a, 'x' AS b")
    assert bq.rows("SELECT a, b, _TABLE_SUFFIX FROM `proj.ds.ev_*` WHERE _TABLE_SUFFIX > '1'") == [
        (2, "x", "2")
    ]


def test_table_names_are_case_sensitive(bq: MemoryHost) -> None:
    only(bq, "CREATE TABLE Trips (x INT64)")
    assert bq.run("SELECT X FROM Trips").error is None
    assert bq.error("SELECT x FROM trips").startswith("Not found: Table proj:ds.trips")


def test_a_failed_statement_changes_nothing(people: MemoryHost) -> None:
    with pytest.raises(BigQueryError):
        people.rows("CREATE OR REPLACE TABLE people AS SELECT 1 / 0 AS x")
    assert people.rows("SELECT COUNT(*) FROM people") == [(2,)]
    with pytest.raises(BigQueryError):
        people.rows("UPDATE people SET id = CAST(name AS INT64) WHERE TRUE")
    assert people.rows("SELECT SUM(id) FROM people") == [(3,)]


def test_a_dry_run_prices_and_changes_nothing(people: MemoryHost) -> None:
    done = people.run("SELECT id FROM people", is_dry_run=True)
    (outcome,) = done.outcomes
    assert outcome.bytes_processed == 16
    assert outcome.result is None
    assert [f.name for f in outcome.fields or ()] == ["id"]
    dry = people.run("DELETE people WHERE TRUE", is_dry_run=True)
    assert dry.error is None
    assert people.rows("SELECT COUNT(*) FROM people") == [(2,)]


def test_a_query_dearer_than_its_limit_is_refused(people: MemoryHost) -> None:
    done = people.run("SELECT id FROM people", maximum_bytes_billed=10)
    assert done.error is not None
    assert done.error.reason == "bytesBilledLimitExceeded"


INFORMATION = [
    ("SELECT table_name, table_type FROM ds.INFORMATION_SCHEMA.TABLES", [("people", "BASE TABLE")]),
    (
        "SELECT column_name, data_type, is_nullable FROM `proj.ds.INFORMATION_SCHEMA.COLUMNS` "
        "WHERE ordinal_position < 4 ORDER BY ordinal_position",
        [("id", "INT64", "NO"), ("name", "STRING", "YES"), ("n", "NUMERIC(10, 2)", "YES")],
    ),
    (
        "SELECT field_path, data_type FROM ds.INFORMATION_SCHEMA.COLUMN_FIELD_PATHS "
        "WHERE column_name = 'place' ORDER BY field_path",
        [("place", "STRUCT<city STRING, zip INT64>"), ("place.city", "STRING"),
         ("place.zip", "INT64")],
    ),
    ("SELECT schema_name FROM `region-us`.INFORMATION_SCHEMA.SCHEMATA", [("ds",)]),
    ("SELECT table_id, row_count, type FROM ds.__TABLES__", [("people", 2, 1)]),
    ("SELECT job_id FROM `region-us`.INFORMATION_SCHEMA.JOBS_BY_PROJECT", [("job1",)]),
    ("SELECT COUNT(*) FROM ds.INFORMATION_SCHEMA.VIEWS", [(0,)]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "rows"), INFORMATION)
def test_the_catalog_can_be_asked(
    people: MemoryHost, sql: str, rows: list[tuple[object, ...]]
) -> None:
    assert people.rows(sql) == rows


REFUSED = [
    ("CALL ds.p()", "does not support CALL statements"),
    ("CREATE PROCEDURE p() BEGIN END", "does not support CREATE PROCEDURE"),
    ("CREATE MODEL m OPTIONS () AS SELECT 1", "does not support CREATE MODEL"),
    ("EXPORT DATA OPTIONS (uri = 'gs://x') AS SELECT 1", "Option 'format' must be specified"),
    ("EXPORT DATA OPTIONS (uri = 'gs://b/*', format = 'AVRO') AS SELECT 1", "format AVRO"),
    ("EXPORT MODEL m", "does not support EXPORT MODEL"),
    ("LOAD DATA INTO TEMP TABLE t FROM FILES (x = 1)", "does not support LOAD DATA INTO TEMP"),
    ("LOAD DATA INTO t FROM FILES (format = 'CSV', x = 1)", "Unknown option: x"),
    ("GRANT `r` ON SCHEMA ds TO 'x'", "does not support GRANT"),
    ("CREATE TABLE t (g GEOGRAPHY)", "does not support type GEOGRAPHY"),
    ("CREATE TABLE t (s STRING COLLATE 'und:ci')", "does not support COLLATE"),
    ("VACUUM t", 'Syntax error: Unexpected identifier "VACUUM"'),
    ("UPDATE t SET x = 1", "UPDATE must have a WHERE clause"),
    ("CREATE FUNCTION ds.f() RETURNS INT64 LANGUAGE js AS 'return 1'", "LANGUAGE js"),
]


@pytest.mark.parametrize(("sql", "message"), REFUSED)
def test_what_is_not_supported_is_refused_by_name(
    shared: MemoryHost, sql: str, message: str
) -> None:
    assert message in shared.error(sql)
