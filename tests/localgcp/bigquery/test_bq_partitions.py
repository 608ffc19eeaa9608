"""Partition decorators: `table$20240131` is one partition, for whoever reads or writes it."""

import io
import json
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import bigquery, storage
from google.cloud.bigquery import (
    CopyJobConfig,
    LoadJobConfig,
    PartitionRange,
    QueryJobConfig,
    RangePartitioning,
    SchemaField,
    TimePartitioning,
)

SCHEMA = [SchemaField("day", "DATE"), SchemaField("n", "INTEGER")]
DAYS = [
    {"day": "2024-01-01", "n": 1},
    {"day": "2024-01-01", "n": 2},
    {"day": "2024-01-02", "n": 3},
    {"day": None, "n": 4},
]


def load(client: bigquery.Client, target: str, rows: list[dict[str, Any]], **options: Any) -> Any:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    config = LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", **options)
    return client.load_table_from_file(io.StringIO(text), target, job_config=config).result()


def numbers(client: bigquery.Client, table: str) -> list[int]:
    return sorted(row["n"] for row in client.list_rows(table))


@pytest.fixture
def by_day(client: bigquery.Client, table_id: str) -> str:
    table = bigquery.Table(table_id, SCHEMA)
    table.time_partitioning = TimePartitioning(field="day")
    client.create_table(table)
    load(client, table_id, DAYS)
    return table_id


def test_a_partition_is_read_and_counted_alone(client: bigquery.Client, by_day: str) -> None:
    assert numbers(client, f"{by_day}$20240101") == [1, 2]
    assert numbers(client, f"{by_day}$__NULL__") == [4]
    shown = client.get_table(f"{by_day}$20240102")
    assert (shown.table_id, shown.num_rows) == ("t$20240102", 1)
    rows = client.list_rows(f"{by_day}$20240101", start_index=1, max_results=5)
    assert len(list(rows)) == 1


def test_a_load_replaces_one_partition_and_leaves_the_others(
    client: bigquery.Client, by_day: str
) -> None:
    again = [{"day": "2024-01-01", "n": 10}]
    load(client, f"{by_day}$20240101", again, write_disposition="WRITE_TRUNCATE")
    load(client, f"{by_day}$20240101", again, write_disposition="WRITE_APPEND")
    assert numbers(client, by_day) == [3, 4, 10, 10]


def test_rows_of_another_partition_are_refused_and_nothing_is_lost(
    client: bigquery.Client, by_day: str
) -> None:
    wrong = [{"day": "2024-01-02", "n": 5}]
    with pytest.raises(exceptions.BadRequest, match="belong to different partitions"):
        load(client, f"{by_day}$20240101", wrong, write_disposition="WRITE_TRUNCATE")
    assert numbers(client, by_day) == [1, 2, 3, 4]


def test_a_full_partition_is_refused_to_write_empty(client: bigquery.Client, by_day: str) -> None:
    row = [{"day": "2024-01-01", "n": 5}]
    with pytest.raises(exceptions.Conflict, match=r"Already Exists: Table .*\$20240101"):
        load(client, f"{by_day}$20240101", row, write_disposition="WRITE_EMPTY")
    load(client, f"{by_day}$20240105", [{"day": "2024-01-05", "n": 5}],
         write_disposition="WRITE_EMPTY")  # fmt: skip
    assert numbers(client, f"{by_day}$20240105") == [5]


def test_a_query_writes_into_a_partition_and_answers_with_it(
    client: bigquery.Client, by_day: str
) -> None:
    config = QueryJobConfig(destination=f"{by_day}$20240102", write_disposition="WRITE_TRUNCATE")
    sql = "SELECT DATE '2024-01-02' AS day, n FROM UNNEST([7, 8]) AS n"
    assert sorted(row["n"] for row in client.query(sql, job_config=config).result()) == [7, 8]
    assert numbers(client, by_day) == [1, 2, 4, 7, 8]


def test_a_partition_is_deleted_alone(client: bigquery.Client, by_day: str) -> None:
    client.delete_table(f"{by_day}$20240101")
    assert numbers(client, by_day) == [3, 4]


def test_a_partition_is_copied_into_another_table(client: bigquery.Client, by_day: str) -> None:
    for partition in ("20240101", "20240102"):
        config = CopyJobConfig(write_disposition="WRITE_TRUNCATE")
        target = f"{by_day}_copy${partition}"
        client.copy_table(f"{by_day}${partition}", target, job_config=config).result()
    assert numbers(client, f"{by_day}_copy") == [1, 2, 3]
    assert client.get_table(f"{by_day}_copy").time_partitioning.field == "day"


def test_a_partition_is_extracted_alone(
    client: bigquery.Client, by_day: str, bucket: storage.Bucket
) -> None:
    client.extract_table(f"{by_day}$20240101", "gs://bq-tests/parts/day.csv").result()
    lines = bucket.blob("parts/day.csv").download_as_text().splitlines()
    assert (lines[0], sorted(lines[1:])) == ("day,n", ["2024-01-01,1", "2024-01-01,2"])


@pytest.mark.parametrize(
    ("unit", "partition", "began"),
    [
        ("DAY", "20240131", "2024-01-31 00:00:00+00"),
        ("HOUR", "2024013123", "2024-01-31 23:00:00+00"),
        ("MONTH", "202401", "2024-01-01 00:00:00+00"),
        ("YEAR", "2024", "2024-01-01 00:00:00+00"),
    ],
)
def test_a_decorator_decides_the_ingestion_time(
    client: bigquery.Client, table_id: str, unit: str, partition: str, began: str
) -> None:
    load(client, f"{table_id}${partition}", [{"n": 1}], schema=SCHEMA)
    made = client.get_table(table_id)
    assert (made.time_partitioning.type_, made.time_partitioning.field) == (unit, None)
    load(client, f"{table_id}${partition}", [{"n": 2}], write_disposition="WRITE_TRUNCATE")
    assert client.insert_rows_json(f"{table_id}${partition}", [{"n": 3}]) == []
    sql = f"SELECT n, CAST(_PARTITIONTIME AS STRING) AS t FROM `{table_id}` ORDER BY n"
    assert [tuple(row) for row in client.query(sql).result()] == [(2, began), (3, began)]


def test_a_range_is_named_by_its_start(client: bigquery.Client, table_id: str) -> None:
    table = bigquery.Table(table_id, SCHEMA)
    table.range_partitioning = RangePartitioning(
        field="n", range_=PartitionRange(start=0, end=100, interval=10)
    )
    client.create_table(table)
    load(client, table_id, [{"n": 5}, {"n": 15}, {"n": 500}])
    assert numbers(client, f"{table_id}$10") == [15]
    assert numbers(client, f"{table_id}$__UNPARTITIONED__") == [500]
    with pytest.raises(exceptions.BadRequest, match="start of a range"):
        client.get_table(f"{table_id}$15")


def test_what_is_no_partition_of_the_table_is_refused(
    client: bigquery.Client, by_day: str, dataset: bigquery.Dataset
) -> None:
    for wrong in ("202401", "20241301", "x", "2024-01-01"):
        with pytest.raises(exceptions.BadRequest, match="YYYYMMDD for a table partitioned by DAY"):
            client.get_table(f"{by_day}${wrong}")
    plain = f"{by_day}_plain"
    client.create_table(bigquery.Table(plain, SCHEMA))
    with pytest.raises(exceptions.BadRequest, match="not partitioned"):
        load(client, f"{plain}$20240101", [{"n": 1}])
    with pytest.raises(exceptions.NotFound, match="Not found: Table"):
        client.get_table(f"{by_day}_absent$20240101")
