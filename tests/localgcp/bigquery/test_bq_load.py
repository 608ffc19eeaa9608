"""Load jobs: files into tables with BigQuery's strictness."""

import gzip
import io
import json
from decimal import Decimal

import pandas
import pytest
from google.api_core import exceptions
from google.cloud import bigquery
from google.cloud.bigquery import LoadJobConfig, SchemaField

from tests.localgcp.bigquery.harness import PROJECT

SCHEMA = [
    SchemaField("id", "INTEGER"),
    SchemaField("name", "STRING"),
    SchemaField("price", "NUMERIC"),
]


def rows(client: bigquery.Client, table_id: str) -> list[tuple[object, ...]]:
    return [row.values() for row in client.list_rows(table_id)]


def load(client: bigquery.Client, text: str | bytes, table_id: str, **options: object):
    content = text.encode() if isinstance(text, str) else text
    options.setdefault("source_format", "CSV")
    config = LoadJobConfig(**options)
    return client.load_table_from_file(io.BytesIO(content), table_id, job_config=config)


def refusal(job: bigquery.LoadJob) -> tuple[str, list[str]]:
    """The job's error and everything in its stream of errors."""
    with pytest.raises(exceptions.GoogleAPICallError) as caught:
        job.result()
    return caught.value.message, [error["message"] for error in job.errors]


def test_a_csv_upload_is_loaded_and_counted(client: bigquery.Client, table_id: str) -> None:
    job = load(
        client, "id,name,price\n1,x,1.5\n2,,\n", table_id, schema=SCHEMA, skip_leading_rows=1
    )
    job.result()
    assert (job.output_rows, job.input_files, job.errors) == (2, 1, None)
    assert rows(client, table_id) == [(1, "x", Decimal("1.5")), (2, None, None)]
    assert client.get_table(table_id).num_rows == 2


def test_quoted_nothing_is_an_empty_string_and_nothing_is_null(
    client: bigquery.Client, table_id: str
) -> None:
    load(client, '1,"",1\n2,,1\n', table_id, schema=SCHEMA).result()
    assert [row[1] for row in rows(client, table_id)] == ["", None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,x,1\n1.0,y,1\n", "Could not parse '1.0' as INT64 for field id (position 0) "
                             "starting at location 6"),
        ("1,x,zz\n", "Could not parse 'zz' as NUMERIC for field price (position 2) "
                     "starting at location 0"),
        ("1,x,1\n1,y,1,9\n", "Too many values in row starting at position: 6."),
        ("1,x,1\n1,y\n", "CSV table references column position 2, but line starting at "
                         "position:6 contains only 2 columns."),
        ('1,"x\ny",1\n', "Missing close double quote"),
        ('1,"x"y,1\n', "Data between close double quote"),
    ],
)  # fmt: skip
def test_a_bad_csv_record_fails_the_load_and_says_where(
    client: bigquery.Client, table_id: str, text: str, expected: str
) -> None:
    message, stream = refusal(load(client, text, table_id, schema=SCHEMA))
    assert "CSV processing encountered too many errors, giving up. Rows: 1; errors: 1" in message
    assert any(expected in line for line in stream), stream
    with pytest.raises(exceptions.NotFound):
        client.get_table(table_id)


def test_bad_records_within_the_limit_are_left_out_and_reported(
    client: bigquery.Client, table_id: str
) -> None:
    job = load(client, "1,x,1\nq,y,1\n3,z,1\n4,z,1,5\n", table_id, schema=SCHEMA, max_bad_records=2)
    job.result()
    assert [row[0] for row in rows(client, table_id)] == [1, 3]
    assert len(job.errors) == 2
    assert job._job_statistics()["badRecords"] == "2"
    message, _ = refusal(
        load(client, "q,y,1\nr,y,1\ns,y,1\n", table_id, schema=SCHEMA, max_bad_records=2)
    )
    assert "errors: 3; max bad: 2" in message
    assert len(rows(client, table_id)) == 2


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("1|x|1\n", {"field_delimiter": "|"}, [1, "x"]),
        ("1\tx\t1\n", {"field_delimiter": "\t"}, [1, "x"]),
        ("1,'a,b',1\n", {"quote_character": "'"}, [1, "a,b"]),
        ("NA,NA,1\n", {"null_marker": "NA"}, [None, None]),
        ("1\n", {"allow_jagged_rows": True}, [1, None]),
        ("1,x,1,7,8\n", {"ignore_unknown_values": True}, [1, "x"]),
        ('1,"x\ny",1\n', {"allow_quoted_newlines": True}, [1, "x\ny"]),
        ("1,é,1\n".encode("latin-1"), {"encoding": "ISO-8859-1"}, [1, "é"]),
        (gzip.compress(b"1,x,1\n", mtime=0), {}, [1, "x"]),
        ("h\nh\n1,x,1\n", {"skip_leading_rows": 2}, [1, "x"]),
    ],
)
def test_every_csv_option_is_honoured(
    client: bigquery.Client,
    table_id: str,
    text: str | bytes,
    options: dict[str, object],
    expected: list[object],
) -> None:
    load(client, text, table_id, schema=SCHEMA, **options).result()
    assert list(rows(client, table_id)[0])[:2] == expected


def test_objects_are_loaded_by_wildcard(client: bigquery.Client, table_id: str, put) -> None:
    put("wild/part-1.csv", "1,x,1\n")
    put("wild/part-2.csv", gzip.compress(b"2,y,2\n", mtime=0))
    put("wild/other.txt", "nothing")
    job = client.load_table_from_uri(
        "gs://bq-tests/wild/part-*", table_id, job_config=LoadJobConfig(schema=SCHEMA)
    )
    job.result()
    assert (job.input_files, job.output_rows) == (2, 2)
    assert sorted(row[0] for row in rows(client, table_id)) == [1, 2]


def test_an_object_that_is_not_there_is_not_found(client: bigquery.Client, table_id: str) -> None:
    job = client.load_table_from_uri(
        "gs://bq-tests/absent.csv", table_id, job_config=LoadJobConfig(schema=SCHEMA)
    )
    with pytest.raises(exceptions.NotFound, match=r"Not found: URI gs://bq-tests/absent\.csv"):
        job.result()


def test_a_file_is_named_in_the_errors(client: bigquery.Client, table_id: str, put) -> None:
    uri = put("bad.csv", "1,x,1\nq,x,1\n")
    job = client.load_table_from_uri(uri, table_id, job_config=LoadJobConfig(schema=SCHEMA))
    with pytest.raises(exceptions.BadRequest):
        job.result()
    assert any(f"File: {uri}" in error["message"] for error in job.errors)


def test_autodetection_finds_header_and_types(client: bigquery.Client, table_id: str) -> None:
    text = "id,when day,ok,ratio\n1,2024-01-02,true,1.5\n2,2024-01-03,false,2\n"
    load(client, text, table_id, autodetect=True).result()
    assert [(f.name, f.field_type) for f in client.get_table(table_id).schema] == [
        ("id", "INTEGER"), ("when_day", "DATE"), ("ok", "BOOLEAN"), ("ratio", "FLOAT"),
    ]  # fmt: skip
    assert len(rows(client, table_id)) == 2


def test_a_new_table_needs_a_schema_or_autodetection(
    client: bigquery.Client, table_id: str
) -> None:
    message, _ = refusal(load(client, "1,x,1\n", table_id))
    assert "No schema specified on job or table." in message


def test_dispositions_decide_what_happens_to_rows_that_are_there(
    client: bigquery.Client, table_id: str
) -> None:
    load(client, "1,x,1\n", table_id, schema=SCHEMA).result()
    load(client, "2,x,1\n", table_id).result()
    assert [row[0] for row in rows(client, table_id)] == [1, 2]
    load(client, "3,x,1\n", table_id, write_disposition="WRITE_TRUNCATE").result()
    assert [row[0] for row in rows(client, table_id)] == [3]
    with pytest.raises(exceptions.Conflict, match="Already Exists: Table"):
        load(client, "4,x,1\n", table_id, write_disposition="WRITE_EMPTY").result()
    with pytest.raises(exceptions.NotFound, match="Not found: Table"):
        load(
            client, "4,x,1\n", f"{table_id}x", schema=SCHEMA, create_disposition="CREATE_NEVER"
        ).result()


def test_columns_are_added_only_when_allowed(client: bigquery.Client, table_id: str) -> None:
    load(client, "1,x,1\n", table_id, schema=SCHEMA).result()
    wider = [*SCHEMA, SchemaField("extra", "DATE")]
    message, _ = refusal(load(client, "2,y,2,2024-01-01\n", table_id, schema=wider))
    assert "Provided Schema does not match Table" in message
    load(
        client,
        "2,y,2,2024-01-01\n",
        table_id,
        schema=wider,
        schema_update_options=["ALLOW_FIELD_ADDITION"],
        write_disposition="WRITE_APPEND",
    ).result()
    assert [row[3] and row[3].isoformat() for row in rows(client, table_id)] == [None, "2024-01-01"]


def test_required_columns_are_enforced_and_relaxed_when_allowed(
    client: bigquery.Client, table_id: str
) -> None:
    strict = [SchemaField("id", "INTEGER", "REQUIRED"), SchemaField("name", "STRING")]
    load(client, "1,x\n", table_id, schema=strict).result()
    _, stream = refusal(load(client, ",x\n", table_id))
    assert any("Required column value for column index: 0 (id) is missing" in s for s in stream)
    relaxed = [SchemaField("id", "INTEGER"), SchemaField("name", "STRING")]
    load(
        client, ",y\n", table_id, schema=relaxed, schema_update_options=["ALLOW_FIELD_RELAXATION"],
        write_disposition="WRITE_APPEND",
    ).result()  # fmt: skip
    assert client.get_table(table_id).schema[0].mode == "NULLABLE"


NESTED = [
    SchemaField("id", "INTEGER"),
    SchemaField("who", "RECORD", fields=[SchemaField("name", "STRING"), SchemaField("n", "INT64")]),
    SchemaField("tags", "STRING", "REPEATED"),
    SchemaField("items", "RECORD", "REPEATED", fields=[SchemaField("k", "STRING")]),
    SchemaField("at", "TIMESTAMP"),
    SchemaField("payload", "JSON"),
]


def test_nested_json_lines_are_loaded(client: bigquery.Client, table_id: str) -> None:
    lines = [
        {
            "ID": 1,
            "who": {"name": "x", "n": "7"},
            "tags": ["a", "b"],
            "items": [{"k": "z"}, {}],
            "at": "2024-01-02T03:04:05Z",
            "payload": {"deep": [1, 2]},
        },
        {"id": "2", "tags": [], "at": 1704164645.5},
    ]
    job = client.load_table_from_json(lines, table_id, job_config=LoadJobConfig(schema=NESTED))
    job.result()
    first, second = list(client.list_rows(table_id))
    assert first["who"] == {"name": "x", "n": 7}
    assert (first["tags"], first["items"]) == (["a", "b"], [{"k": "z"}, {"k": None}])
    assert first["at"].isoformat() == "2024-01-02T03:04:05+00:00"
    assert first["payload"] == {"deep": [1, 2]}
    assert (second["who"], second["tags"], second["items"]) == (None, [], [])
    assert second["at"].microsecond == 500_000


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('{"id": "x"}', "Could not convert value to int64. Field: id; Value: x"),
        ('{"id": 1, "nope": 1}', "No such field: nope."),
        ('{"who": {"nope": 1}}', "No such field: who.nope."),
        ("{bad", "Parser terminated before end of string"),
        ('{"tags": "a"}', "Field: tags"),
    ],
)
def test_a_bad_json_line_fails_the_load_and_says_where(
    client: bigquery.Client, table_id: str, line: str, expected: str
) -> None:
    job = load(
        client, f'{{"id": 1}}\n{line}\n', table_id, schema=NESTED,
        source_format="NEWLINE_DELIMITED_JSON",
    )  # fmt: skip
    message, stream = refusal(job)
    assert "JSON processing encountered too many errors" in message
    assert any(expected in text or "tags" in text for text in stream), stream
    assert "position 10" in stream[1]


def test_a_required_member_of_a_record_is_required(client: bigquery.Client, table_id: str) -> None:
    schema = [
        SchemaField(
            "r",
            "RECORD",
            fields=[SchemaField("k", "STRING", "REQUIRED"), SchemaField("n", "INT64")],
        )
    ]
    text = '{"r": {"k": "x"}}\n{"r": null}\n{"r": {"n": 1}}\n'
    options = {"schema": schema, "source_format": "NEWLINE_DELIMITED_JSON"}
    _, stream = refusal(load(client, text, table_id, **options))
    assert "position 30" in stream[1]
    load(client, text, table_id, max_bad_records=1, **options).result()
    assert [row[0] for row in rows(client, table_id)] == [{"k": "x", "n": None}, None]


def test_rows_of_expired_partitions_are_gone_at_once(
    client: bigquery.Client, table_id: str
) -> None:
    table = bigquery.Table(table_id, [SchemaField("day", "DATE"), SchemaField("n", "INT64")])
    table.time_partitioning = bigquery.TimePartitioning(field="day", expiration_ms=86_400_000)
    client.create_table(table)
    load(client, "2019-01-01,1\n2999-01-01,2\n", table_id).result()
    assert [row[1] for row in rows(client, table_id)] == [2]


def test_json_is_detected(client: bigquery.Client, table_id: str) -> None:
    lines = [{"a": 1, "b": {"c": [1.5]}, "d": "2024-01-01", "e": [{"f": "x"}]}]
    text = "\n".join(json.dumps(line) for line in lines)
    load(client, text, table_id, autodetect=True, source_format="NEWLINE_DELIMITED_JSON").result()
    assert [(f.name, f.field_type, f.mode) for f in client.get_table(table_id).schema] == [
        ("a", "INTEGER", "NULLABLE"),
        ("b", "RECORD", "NULLABLE"),
        ("d", "DATE", "NULLABLE"),
        ("e", "RECORD", "REPEATED"),
    ]


@pytest.mark.filterwarnings("ignore:Loading DataFrames")
def test_a_dataframe_is_loaded_through_parquet(client: bigquery.Client, table_id: str) -> None:
    frame = pandas.DataFrame(
        {
            "id": [1, 2],
            "name": ["x", None],
            "at": pandas.to_datetime(["2024-01-02 03:04:05", "2024-01-03 00:00:00"], utc=True),
        }
    )
    client.load_table_from_dataframe(frame, table_id).result()
    assert [f.field_type for f in client.get_table(table_id).schema] == [
        "INTEGER", "STRING", "TIMESTAMP",
    ]  # fmt: skip
    assert [row[1] for row in rows(client, table_id)] == ["x", None]


def test_a_big_upload_goes_in_chunks(client: bigquery.Client, table_id: str) -> None:
    text = "".join(f"{index},{'x' * 80},1\n" for index in range(120_000))
    assert len(text) > 10_000_000
    job = load(client, text, table_id, schema=SCHEMA)
    job.result()
    assert job.output_rows == 120_000


def test_layout_and_words_of_the_destination_are_kept(
    client: bigquery.Client, table_id: str
) -> None:
    schema = [SchemaField("day", "DATE"), SchemaField("n", "INTEGER")]
    load(
        client,
        "2024-01-01,1\n",
        table_id,
        schema=schema,
        time_partitioning=bigquery.TimePartitioning(field="day"),
        clustering_fields=["n"],
        destination_table_description="days",
    ).result()
    table = client.get_table(table_id)
    assert (table.time_partitioning.field, table.clustering_fields) == ("day", ["n"])
    assert table.description == "days"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"hive_partitioning": bigquery.HivePartitioningOptions()}, "hivePartitioningOptions"),
        ({"source_format": "AVRO"}, "AVRO"),
        ({"source_format": "ORC"}, "ORC"),
        ({"encoding": "UTF-32BE"}, "UTF-32BE"),
        ({"preserve_ascii_control_characters": True}, "preserveAsciiControlCharacters"),
        ({"projection_fields": ["a"]}, "projectionFields"),
    ],
)
def test_options_that_are_not_supported_are_refused_by_name(
    client: bigquery.Client, table_id: str, put, options: dict[str, object], named: str
) -> None:
    uri = put("refused.csv", "1,x,1\n")
    config = LoadJobConfig(schema=SCHEMA)
    for name, value in options.items():
        if name == "hive_partitioning":
            value.mode = "AUTO"
        setattr(config, name, value)
    with pytest.raises(exceptions.BadRequest, match=named):
        client.load_table_from_uri(uri, table_id, job_config=config)


def test_a_load_runs_where_its_dataset_is(client: bigquery.Client) -> None:
    abroad = bigquery.Dataset(f"{PROJECT}.abroad")
    abroad.location = "EU"
    client.create_dataset(abroad)
    config = LoadJobConfig(schema=SCHEMA)
    content = io.BytesIO(b"1,x,1\n")
    job = client.load_table_from_file(content, f"{PROJECT}.abroad.t", job_config=config)
    job.result()
    assert job.location == "EU"
    wrong = client.load_table_from_file(
        io.BytesIO(b"1,x,1\n"), f"{PROJECT}.abroad.t", job_config=config, location="US"
    )
    with pytest.raises(exceptions.NotFound, match="was not found in location US"):
        wrong.result()


def test_a_load_gives_a_table_without_schema_its_columns(
    client: bigquery.Client, table_id: str
) -> None:
    client.create_table(bigquery.Table(table_id))
    load(client, "id,name\n1,x\n", table_id, autodetect=True)
    assert [(f.name, f.field_type) for f in client.get_table(table_id).schema] == [
        ("id", "INTEGER"),
        ("name", "STRING"),
    ]
    assert rows(client, table_id) == [(1, "x")]
