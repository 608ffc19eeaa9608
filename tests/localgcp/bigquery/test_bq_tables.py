"""Tables of every kind, made and changed through the API."""

from datetime import UTC, datetime, timedelta

import pytest
from google.api_core import exceptions
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField

from tests.localgcp.bigquery.harness import PROJECT

SCHEMA = [
    SchemaField("id", "INTEGER", "REQUIRED", description="key"),
    SchemaField("at", "TIMESTAMP"),
    SchemaField("tags", "STRING", "REPEATED"),
    SchemaField("who", "RECORD", fields=[SchemaField("name", "STRING"), SchemaField("n", "INT64")]),
    SchemaField("price", "NUMERIC", precision=10, scale=2),
]


def test_a_table_keeps_schema_layout_and_words(client: bigquery.Client, table_id: str) -> None:
    wanted = bigquery.Table(table_id, SCHEMA)
    wanted.time_partitioning = bigquery.TimePartitioning(
        type_="MONTH", field="at", expiration_ms=86_400_000
    )
    wanted.require_partition_filter = True
    wanted.clustering_fields = ["id"]
    wanted.description, wanted.friendly_name = "all trips", "Trips"
    wanted.labels = {"k": "v"}
    wanted.expires = datetime.now(UTC) + timedelta(days=1)
    client.create_table(wanted)

    found = client.get_table(table_id)
    assert found.table_type == "TABLE"
    assert [(f.name, f.field_type, f.mode) for f in found.schema] == [
        ("id", "INTEGER", "REQUIRED"),
        ("at", "TIMESTAMP", "NULLABLE"),
        ("tags", "STRING", "REPEATED"),
        ("who", "RECORD", "NULLABLE"),
        ("price", "NUMERIC", "NULLABLE"),
    ]
    assert found.schema[0].description == "key"
    assert (found.schema[4].precision, found.schema[4].scale) == (10, 2)
    assert (found.time_partitioning.type_, found.time_partitioning.field) == ("MONTH", "at")
    assert found.require_partition_filter is True
    assert found.clustering_fields == ["id"]
    assert (found.description, found.friendly_name) == ("all trips", "Trips")
    assert (found.num_rows, found.num_bytes) == (0, 0)
    assert found.expires is not None
    assert found.location == "US"


def test_creating_a_table_twice_is_a_conflict(client: bigquery.Client, table_id: str) -> None:
    client.create_table(table_id)
    with pytest.raises(exceptions.Conflict, match="Already Exists: Table"):
        client.create_table(table_id)
    assert client.create_table(table_id, exists_ok=True).table_id == "t"


def test_a_table_needs_its_dataset(client: bigquery.Client) -> None:
    with pytest.raises(exceptions.NotFound, match=f"Not found: Dataset {PROJECT}:absent"):
        client.create_table(f"{PROJECT}.absent.t")


def test_columns_are_added_and_relaxed_but_not_dropped_or_retyped(
    client: bigquery.Client, table_id: str
) -> None:
    client.create_table(bigquery.Table(table_id, SCHEMA))
    table = client.get_table(table_id)
    nested = [*SCHEMA[3].fields, SchemaField("email", "STRING")]
    table.schema = [
        SchemaField("id", "INTEGER", "NULLABLE"),
        *SCHEMA[1:3],
        SchemaField("who", "RECORD", fields=nested),
        SCHEMA[4],
        SchemaField("extra", "DATE"),
    ]
    changed = client.update_table(table, ["schema"])
    assert changed.schema[0].mode == "NULLABLE"
    assert [f.name for f in changed.schema[3].fields] == ["name", "n", "email"]
    assert client.insert_rows_json(table_id, [{"who": {"email": "x"}, "extra": "2024-01-01"}]) == []
    changed = client.get_table(table_id)
    changed.schema = changed.schema[1:]
    with pytest.raises(exceptions.BadRequest, match="Field id is missing in new schema"):
        client.update_table(changed, ["schema"])
    changed.schema = [SchemaField("id", "STRING"), *client.get_table(table_id).schema[1:]]
    with pytest.raises(exceptions.BadRequest, match="changed type from INTEGER to STRING"):
        client.update_table(changed, ["schema"])


def test_labels_and_descriptions_are_patched(client: bigquery.Client, table_id: str) -> None:
    table = client.create_table(bigquery.Table(table_id, SCHEMA))
    table.labels = {"a": "1"}
    table.description = "first"
    table = client.update_table(table, ["labels", "description"])
    table.labels = {"a": None}
    table = client.update_table(table, ["labels"])
    assert (table.labels, table.description) == ({}, "first")


def test_a_stale_etag_is_refused(client: bigquery.Client, table_id: str) -> None:
    mine = client.create_table(bigquery.Table(table_id, SCHEMA))
    client.insert_rows_json(table_id, [{"id": 1}])
    mine.description = "mine"
    with pytest.raises(exceptions.PreconditionFailed):
        client.update_table(mine, ["description"])


def test_an_expired_table_is_gone(client: bigquery.Client, table_id: str) -> None:
    table = bigquery.Table(table_id, SCHEMA)
    table.expires = datetime.now(UTC) - timedelta(hours=1)
    with pytest.raises(exceptions.BadRequest, match="in the past"):
        client.create_table(table)


def test_tables_are_listed_by_pages(client: bigquery.Client, dataset: bigquery.Dataset) -> None:
    for index in range(5):
        client.create_table(f"{PROJECT}.{dataset.dataset_id}.t{index}")
    listed = client.list_tables(dataset, page_size=2)
    assert [t.table_id for t in listed] == ["t0", "t1", "t2", "t3", "t4"]
    client.delete_table(f"{PROJECT}.{dataset.dataset_id}.t3")
    assert len(list(client.list_tables(dataset, max_results=10))) == 4
    client.delete_table(f"{PROJECT}.{dataset.dataset_id}.t3", not_found_ok=True)


@pytest.mark.parametrize(
    ("field", "kind", "message"),
    [
        ("missing", "DAY", "cannot be found in the schema"),
        ("id", "DAY", "only be of type TIMESTAMP, DATE or DATETIME"),
    ],
)
def test_partitioning_that_cannot_be_is_refused(
    client: bigquery.Client, table_id: str, field: str, kind: str, message: str
) -> None:
    table = bigquery.Table(table_id, SCHEMA)
    table.time_partitioning = bigquery.TimePartitioning(type_=kind, field=field)
    with pytest.raises(exceptions.BadRequest, match=message):
        client.create_table(table)


def test_range_partitioning_is_kept(client: bigquery.Client, table_id: str) -> None:
    table = bigquery.Table(table_id, SCHEMA)
    table.range_partitioning = bigquery.RangePartitioning(
        range_=bigquery.PartitionRange(start=0, end=100, interval=10), field="id"
    )
    client.create_table(table)
    found = client.get_table(table_id).range_partitioning
    assert (found.field, found.range_.start, found.range_.end) == ("id", 0, 100)


def test_an_external_table_reports_its_kind_and_configuration(
    client: bigquery.Client, table_id: str, put
) -> None:
    uri = put("ext/a.csv", "id,name\n1,x\n")
    config = bigquery.ExternalConfig("CSV")
    config.source_uris = [uri]
    config.options.skip_leading_rows = 1
    config.options.field_delimiter = ";"
    config.ignore_unknown_values = True
    config.max_bad_records = 3
    table = bigquery.Table(table_id, [SchemaField("id", "INTEGER"), SchemaField("name", "STRING")])
    table.external_data_configuration = config
    client.create_table(table)

    found = client.get_table(table_id)
    assert found.table_type == "EXTERNAL"
    kept = found.external_data_configuration
    assert list(kept.source_uris) == [uri]
    assert (kept.options.skip_leading_rows, kept.options.field_delimiter) == (1, ";")
    assert (kept.ignore_unknown_values, kept.max_bad_records) == (True, 3)


def test_the_schema_of_an_external_table_is_detected(
    client: bigquery.Client, table_id: str, put
) -> None:
    config = bigquery.ExternalConfig("CSV")
    config.source_uris = [put("ext/detect.csv", "id,name,at\n1,x,2024-01-02 03:04:05\n")]
    config.autodetect = True
    table = bigquery.Table(table_id)
    table.external_data_configuration = config
    found = client.create_table(table)
    assert [(f.name, f.field_type) for f in found.schema] == [
        ("id", "INTEGER"), ("name", "STRING"), ("at", "TIMESTAMP"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"colour": "red"}, "colour"),
        ({"encryptionConfiguration": {"kmsKeyName": "k"}}, "encryptionConfiguration"),
        ({"schema": {"fields": [{"name": "g", "type": "GEOGRAPHY"}]}}, "GEOGRAPHY"),
        ({"schema": {"fields": [{"name": "a b!", "type": "STRING"}]}}, "Invalid field name"),
        ({"schema": {"fields": [{"name": "x", "type": "STRING", "sort": 1}]}}, "sort"),
        (
            {"externalDataConfiguration": {"sourceFormat": "AVRO", "sourceUris": ["gs://b/o"]}},
            "AVRO",
        ),
        (
            {
                "externalDataConfiguration": {
                    "sourceFormat": "CSV",
                    "sourceUris": ["gs://b/o"],
                    "hivePartitioningOptions": {"mode": "AUTO"},
                }
            },
            "hivePartitioningOptions",
        ),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    client: bigquery.Client, dataset: bigquery.Dataset, body: dict[str, object], named: str
) -> None:
    reference = {"projectId": PROJECT, "datasetId": dataset.dataset_id, "tableId": "t"}
    with pytest.raises(exceptions.BadRequest, match=named):
        client._call_api(
            None,
            method="POST",
            path=f"/projects/{PROJECT}/datasets/{dataset.dataset_id}/tables",
            data={"tableReference": reference, **body},
        )


def test_a_materialized_view_is_patched_without_its_query(
    client: bigquery.Client, table_id: str
) -> None:
    client.query(f"CREATE TABLE `{table_id}` (a INT64)").result()
    view = bigquery.Table(f"{table_id}_mv")
    view.mview_query = f"SELECT a FROM `{table_id}`"
    client.create_table(view)
    path = f"{bigquery.TableReference.from_string(f'{table_id}_mv').path}"
    changed = client._connection.api_request(
        "PATCH", path, data={"materializedView": {"enableRefresh": False}}
    )
    kept = changed["materializedView"]
    assert (kept["enableRefresh"], kept["query"]) == (False, f"SELECT a FROM `{table_id}`")
    assert [f.name for f in client.get_table(f"{table_id}_mv").schema] == ["a"]
    plain = bigquery.TableReference.from_string(table_id).path
    with pytest.raises(exceptions.BadRequest, match="Cannot change table"):
        client._connection.api_request(
            "PATCH", plain, data={"materializedView": {"enableRefresh": False}}
        )


def test_a_materialized_view_needs_a_query(client: bigquery.Client, table_id: str) -> None:
    reference = bigquery.TableReference.from_string(table_id)
    body = {"tableReference": reference.to_api_repr(), "materializedView": {"enableRefresh": True}}
    with pytest.raises(exceptions.BadRequest, match="Required parameter is missing: query"):
        client._connection.api_request("POST", reference.path.rsplit("/", 1)[0], data=body)
