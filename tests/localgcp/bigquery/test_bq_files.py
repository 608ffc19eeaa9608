"""LOAD DATA and EXPORT DATA: files and rows by SQL alone."""

import json
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery, storage


def rows(client: bigquery.Client, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in client.query(sql).result()]


def test_files_are_loaded_into_a_table_that_comes_to_be(
    client: bigquery.Client, table_id: str, put: Any
) -> None:
    first, second = put("load/a.csv", "n;s\n1;one\n2;\n"), put("load/b.csv", "n;s\n3;three\n")
    job = client.query(
        f"LOAD DATA INTO `{table_id}` (n INT64, s STRING) PARTITION BY "
        "RANGE_BUCKET(n, GENERATE_ARRAY(0, 10, 5)) CLUSTER BY s OPTIONS (description = 'loaded') "
        f"FROM FILES (format = 'CSV', uris = ['{first}', '{second}'], skip_leading_rows = 1, "
        "field_delimiter = ';')"
    )
    job.result()
    assert job.statement_type == "LOAD_DATA"
    made = client.get_table(table_id)
    assert (made.description, made.clustering_fields, made.num_rows) == ("loaded", ["s"], 3)
    assert made.range_partitioning.field == "n"
    assert rows(client, f"SELECT * FROM `{table_id}` ORDER BY n") == [
        (1, "one"), (2, None), (3, "three"),
    ]  # fmt: skip


def test_the_files_say_what_they_hold_and_add_to_what_is_there(
    client: bigquery.Client, table_id: str, put: Any
) -> None:
    uri = put("load/rows.json", '{"n": 1, "s": "a"}\n{"n": 2, "s": "b"}\n')
    load = f"LOAD DATA %s `{table_id}` FROM FILES (format = 'JSON', uris = ['{uri}'])"
    for how, count in (("INTO", 2), ("INTO", 4), ("OVERWRITE", 2)):
        client.query(load % how).result()
        assert client.get_table(table_id).num_rows == count
    assert [field.name for field in client.get_table(table_id).schema] == ["n", "s"]


def test_a_bad_file_changes_nothing_and_is_told(
    client: bigquery.Client, table_id: str, put: Any
) -> None:
    good, bad = put("load/good.csv", "1\n"), put("load/bad.csv", "2\nx\n")
    load = f"LOAD DATA INTO `{table_id}` (n INT64) FROM FILES (format = 'CSV', uris = ['%s']%s)"
    client.query(load % (good, "")).result()
    with pytest.raises(exceptions.BadRequest, match="Could not parse 'x' as INT64 for field n"):
        client.query(f"LOAD DATA OVERWRITE `{table_id}` (n INT64) FROM FILES (format = 'CSV', "
                     f"uris = ['{bad}'])").result()  # fmt: skip
    assert rows(client, f"SELECT n FROM `{table_id}`") == [(1,)]
    client.query(load % (bad, ", max_bad_records = 1")).result()
    assert rows(client, f"SELECT n FROM `{table_id}` ORDER BY n") == [(1,), (2,)]
    with pytest.raises(exceptions.NotFound, match="Not found: URI"):
        client.query(load % ("gs://bq-tests/load/absent.csv", "")).result()


QUERY = "SELECT 1 AS n, 'a;\"b\"' AS s UNION ALL SELECT 2, NULL ORDER BY n"


@pytest.mark.parametrize(
    ("options", "content"),
    [
        ("format = 'CSV', header = true, field_delimiter = ';'", 'n;s\n1;"a;""b"""\n2;\n'),
        ("format = 'csv'", '1,"a;""b"""\n2,\n'),
        ("format = 'JSON'", '{"n":"1","s":"a;\\"b\\""}\n{"n":"2"}\n'),
    ],
)
def test_rows_are_exported_as_text(
    client: bigquery.Client, bucket: storage.Bucket, options: str, content: str
) -> None:
    sql = f"EXPORT DATA OPTIONS (uri = 'gs://bq-tests/out/text-*', overwrite = true, {options}) AS "
    job = client.query(sql + QUERY)
    job.result()
    assert job.statement_type == "EXPORT_DATA"
    assert bucket.blob("out/text-000000000000").download_as_text() == content


def test_what_was_exported_can_be_loaded(client: bigquery.Client, table_id: str) -> None:
    script = (
        "EXPORT DATA OPTIONS (uri = 'gs://bq-tests/round/p-*.parquet', format = 'PARQUET', "
        "compression = 'SNAPPY', overwrite = true) AS "
        "SELECT DATE '2024-01-02' AS d, STRUCT(1 AS x) AS st, [1, 2] AS xs;\n"
        f"LOAD DATA OVERWRITE `{table_id}` FROM FILES (format = 'PARQUET', "
        "uris = ['gs://bq-tests/round/p-*.parquet'], enable_list_inference = true);"
    )
    client.query(script).result()
    (found,) = client.query(f"SELECT TO_JSON_STRING(t) FROM `{table_id}` AS t").result()
    assert json.loads(found[0]) == {"d": "2024-01-02", "st": {"x": 1}, "xs": [1, 2]}


def test_what_is_there_is_kept_unless_told(client: bigquery.Client, put: Any) -> None:
    put("kept/a-1.csv", "old")
    sql = "EXPORT DATA OPTIONS (uri = 'gs://bq-tests/kept/a-*.csv', format = 'CSV') AS SELECT 1"
    with pytest.raises(exceptions.BadRequest, match="overwrite"):
        client.query(sql).result()
    for wrong in ("gs://bq-tests/plain.csv", "kept/*.csv"):
        with pytest.raises(exceptions.BadRequest, match="must be a wild card URI"):
            client.query(sql.replace("gs://bq-tests/kept/a-*.csv", wrong)).result()
    with pytest.raises(exceptions.BadRequest, match="nested schema"):
        client.query(sql.replace("SELECT 1", "SELECT [1] AS xs").replace("a-*", "b-*")).result()
