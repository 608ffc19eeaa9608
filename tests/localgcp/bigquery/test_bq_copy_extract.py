"""Copy and extract jobs."""

import csv
import gzip
import io
import json

import pandas
import pytest
from google.api_core import exceptions
from google.cloud import bigquery, storage
from google.cloud.bigquery import CopyJobConfig, ExtractJobConfig, SchemaField

from tests.localgcp.bigquery.harness import PROJECT

SCHEMA = [
    SchemaField("i", "INTEGER", description="key"),
    SchemaField("s", "STRING"),
    SchemaField("ts", "TIMESTAMP"),
    SchemaField("b", "BYTES"),
]
ROWS = [
    {"i": 1, "s": 'a "b", c', "ts": "2024-01-02T03:04:05.5Z", "b": "aGk="},
    {"i": 2, "s": "", "ts": "2024-01-02T03:04:05Z"},
    {"i": 3},
]


@pytest.fixture
def filled(client: bigquery.Client, table_id: str) -> str:
    table = bigquery.Table(table_id, SCHEMA)
    table.clustering_fields = ["i"]
    table.description = "source"
    client.create_table(table)
    assert client.insert_rows_json(table_id, ROWS) == []
    return table_id


def test_a_copy_takes_rows_schema_and_layout(client: bigquery.Client, filled: str) -> None:
    job = client.copy_table(filled, f"{filled}_copy")
    job.result()
    made = client.get_table(f"{filled}_copy")
    assert (made.num_rows, made.clustering_fields, made.description) == (3, ["i"], "source")
    assert made.schema[0].description == "key"
    with pytest.raises(exceptions.Conflict, match="Already Exists"):
        client.copy_table(filled, f"{filled}_copy").result()


def test_several_sources_are_appended(client: bigquery.Client, filled: str) -> None:
    config = CopyJobConfig(write_disposition="WRITE_APPEND")
    client.copy_table([filled, filled], f"{filled}_many", job_config=config).result()
    assert client.get_table(f"{filled}_many").num_rows == 6


def test_a_snapshot_stays_and_is_restored(client: bigquery.Client, filled: str) -> None:
    config = CopyJobConfig(operation_type="SNAPSHOT")
    client.copy_table(filled, f"{filled}_snap", job_config=config).result()
    client.insert_rows_json(filled, [{"i": 4}])
    snapshot = client.get_table(f"{filled}_snap")
    assert (snapshot.table_type, snapshot.num_rows) == ("SNAPSHOT", 3)
    assert snapshot.snapshot_definition.base_table_reference.table_id == "t"

    restore = CopyJobConfig(operation_type="RESTORE", write_disposition="WRITE_TRUNCATE")
    client.copy_table(f"{filled}_snap", filled, job_config=restore).result()
    assert client.get_table(filled).num_rows == 3


def test_a_missing_source_is_not_found(client: bigquery.Client, table_id: str) -> None:
    with pytest.raises(exceptions.NotFound, match="Not found: Table"):
        client.copy_table(f"{table_id}_absent", table_id).result()


def extract(client: bigquery.Client, source: str, uri: str, **options: object) -> None:
    client.extract_table(source, uri, job_config=ExtractJobConfig(**options)).result()


def test_csv_is_extracted_as_bigquery_writes_it(
    client: bigquery.Client, filled: str, bucket: storage.Bucket
) -> None:
    extract(client, filled, "gs://bq-tests/out/plain.csv")
    text = bucket.blob("out/plain.csv").download_as_text()
    assert list(csv.reader(io.StringIO(text))) == [
        ["i", "s", "ts", "b"],
        ["1", 'a "b", c', "2024-01-02 03:04:05.5 UTC", "aGk="],
        ["2", "", "2024-01-02 03:04:05 UTC", ""],
        ["3", "", "", ""],
    ]
    assert '\n2,"",' in text
    assert "out/plain.csv" in [blob.name for blob in bucket.list_blobs()]


def test_csv_options_and_wildcards_are_honoured(
    client: bigquery.Client, filled: str, bucket: storage.Bucket
) -> None:
    extract(
        client, filled, "gs://bq-tests/out/part-*.csv.gz",
        compression="GZIP", field_delimiter="|", print_header=False,
    )  # fmt: skip
    blob = bucket.blob("out/part-000000000000.csv.gz")
    lines = gzip.decompress(blob.download_as_bytes(raw_download=True)).decode().splitlines()
    assert lines[2] == "3|||"


def test_json_lines_leave_nulls_out(
    client: bigquery.Client, filled: str, bucket: storage.Bucket
) -> None:
    extract(
        client, filled, "gs://bq-tests/out/rows.json", destination_format="NEWLINE_DELIMITED_JSON"
    )
    lines = bucket.blob("out/rows.json").download_as_text().splitlines()
    assert json.loads(lines[0]) == {
        "i": "1", "s": 'a "b", c', "ts": "2024-01-02 03:04:05.5 UTC", "b": "aGk=",
    }  # fmt: skip
    assert json.loads(lines[2]) == {"i": "3"}


def test_parquet_is_extracted_and_loaded_again(
    client: bigquery.Client, filled: str, bucket: storage.Bucket
) -> None:
    extract(client, filled, "gs://bq-tests/out/rows.parquet", destination_format="PARQUET")
    frame = pandas.read_parquet(io.BytesIO(bucket.blob("out/rows.parquet").download_as_bytes()))
    assert list(frame["i"]) == [1, 2, 3]
    config = bigquery.LoadJobConfig(source_format="PARQUET")
    client.load_table_from_uri(
        "gs://bq-tests/out/rows.parquet", f"{filled}_again", job_config=config
    ).result()
    again = client.get_table(f"{filled}_again")
    assert [f.field_type for f in again.schema] == ["INTEGER", "STRING", "TIMESTAMP", "BYTES"]
    assert next(iter(client.list_rows(again)))["b"] == b"hi"


def test_what_cannot_be_extracted_is_refused(
    client: bigquery.Client, table_id: str, filled: str
) -> None:
    nested = f"{PROJECT}.{table_id.split('.')[1]}.nested"
    client.create_table(bigquery.Table(nested, [SchemaField("l", "STRING", "REPEATED")]))
    with pytest.raises(exceptions.BadRequest, match="nested schema"):
        extract(client, nested, "gs://bq-tests/out/nested.csv")
    with pytest.raises(exceptions.NotFound, match="Bucket"):
        extract(client, filled, "gs://no-such-bucket/out.csv")
    with pytest.raises(exceptions.MethodNotImplemented, match="AVRO"):
        extract(client, filled, "gs://bq-tests/out.avro", destination_format="AVRO")
