"""Rows through the API: streamed in, read back by pages."""

import base64
import datetime as dt
from decimal import Decimal

import pytest
from google.api_core import exceptions
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField

from tests.localgcp.bigquery.harness import PROJECT

EVERY_TYPE = [
    SchemaField("i", "INTEGER"),
    SchemaField("f", "FLOAT"),
    SchemaField("n", "NUMERIC"),
    SchemaField("b", "BOOLEAN"),
    SchemaField("s", "STRING"),
    SchemaField("y", "BYTES"),
    SchemaField("d", "DATE"),
    SchemaField("dt", "DATETIME"),
    SchemaField("t", "TIME"),
    SchemaField("ts", "TIMESTAMP"),
    SchemaField("j", "JSON"),
    SchemaField("r", "RECORD", fields=[SchemaField("x", "INTEGER"), SchemaField("y", "STRING")]),
    SchemaField("l", "STRING", "REPEATED"),
    SchemaField("m", "RECORD", "REPEATED", fields=[SchemaField("k", "DATE")]),
]


def test_every_type_comes_back_as_it_went_in(client: bigquery.Client, table_id: str) -> None:
    client.create_table(bigquery.Table(table_id, EVERY_TYPE))
    row = {
        "i": 2**62,
        "f": 1.5,
        "n": "12345678901234567890.123456789",
        "b": True,
        "s": 'quoted " and \n é',
        "y": base64.b64encode(b"\x00\xff").decode(),
        "d": "2024-02-29",
        "dt": "2024-02-29T01:02:03.000004",
        "t": "23:59:59.5",
        "ts": "1969-12-31T23:59:59.999999Z",
        "j": {"a": [1, None]},
        "r": {"x": 1, "y": None},
        "l": ["p", "q"],
        "m": [{"k": "2024-01-01"}],
    }
    assert client.insert_rows_json(table_id, [row, {}]) == []
    first, empty = client.list_rows(table_id)
    assert dict(first.items()) == {
        "i": 2**62,
        "f": 1.5,
        "n": Decimal("12345678901234567890.123456789"),
        "b": True,
        "s": 'quoted " and \n é',
        "y": b"\x00\xff",
        "d": dt.date(2024, 2, 29),
        "dt": dt.datetime(2024, 2, 29, 1, 2, 3, 4),  # noqa: DTZ001 - a DATETIME has no zone
        "t": dt.time(23, 59, 59, 500_000),
        "ts": dt.datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=dt.UTC),
        "j": {"a": [1, None]},
        "r": {"x": 1, "y": None},
        "l": ["p", "q"],
        "m": [{"k": dt.date(2024, 1, 1)}],
    }
    assert [value for value in empty.values() if value not in (None, [])] == []


def test_rows_are_read_by_pages_from_any_place(client: bigquery.Client, table_id: str) -> None:
    client.create_table(bigquery.Table(table_id, [SchemaField("i", "INTEGER")]))
    client.insert_rows_json(table_id, [{"i": i} for i in range(25)])
    paged = client.list_rows(table_id, page_size=10)
    assert [len(list(page)) for page in paged.pages] == [10, 10, 5]
    assert paged.total_rows == 25
    assert [r["i"] for r in client.list_rows(table_id, start_index=20, max_results=3)] == [
        20,
        21,
        22,
    ]
    assert list(client.list_rows(table_id, start_index=99)) == []


def test_selected_fields_narrow_the_columns(client: bigquery.Client, table_id: str) -> None:
    client.create_table(bigquery.Table(table_id, EVERY_TYPE))
    client.insert_rows_json(table_id, [{"s": "x", "r": {"x": 1, "y": "z"}}])
    only = [SchemaField("s", "STRING"), SchemaField("i", "INTEGER")]
    (row,) = client.list_rows(table_id, selected_fields=only)
    assert row["s"] == "x"
    with pytest.raises(exceptions.BadRequest, match="No such field: nope"):
        list(client.list_rows(table_id, selected_fields=[SchemaField("nope", "STRING")]))


def test_a_bad_row_stops_all_unless_it_is_skipped(client: bigquery.Client, table_id: str) -> None:
    client.create_table(
        bigquery.Table(
            table_id, [SchemaField("i", "INTEGER", "REQUIRED"), SchemaField("s", "STRING")]
        )
    )
    rows = [{"i": 1}, {"i": "x"}, {"i": 2, "nope": 1}, {"s": "no key"}]
    errors = client.insert_rows_json(table_id, rows)
    assert [(e["index"], e["errors"][0]["reason"]) for e in errors] == [
        (0, "stopped"), (1, "invalid"), (2, "invalid"), (3, "invalid"),
    ]  # fmt: skip
    assert [e["errors"][0]["location"] for e in errors] == ["", "i", "nope", "i"]
    assert list(client.list_rows(table_id)) == []

    errors = client.insert_rows_json(table_id, rows, skip_invalid_rows=True)
    assert [e["index"] for e in errors] == [1, 2, 3]
    assert [r["i"] for r in client.list_rows(table_id)] == [1]
    assert client.insert_rows_json(table_id, [rows[2]], ignore_unknown_values=True) == []
    assert [r["i"] for r in client.list_rows(table_id)] == [1, 2]


def test_a_row_with_an_insert_id_is_added_once(client: bigquery.Client, table_id: str) -> None:
    client.create_table(bigquery.Table(table_id, [SchemaField("i", "INTEGER")]))
    for _ in range(2):
        assert client.insert_rows_json(table_id, [{"i": 1}], row_ids=["same"]) == []
    assert client.insert_rows_json(table_id, [{"i": 1}], row_ids=["other"]) == []
    assert len(list(client.list_rows(table_id))) == 2


def test_rows_need_a_table(client: bigquery.Client, dataset: bigquery.Dataset) -> None:
    with pytest.raises(exceptions.NotFound, match="Not found: Table"):
        client.insert_rows_json(f"{PROJECT}.{dataset.dataset_id}.absent", [{"a": 1}])


def test_json_arrives_as_text_at_any_depth(client: bigquery.Client, table_id: str) -> None:
    document = SchemaField("j", "JSON")
    schema = [
        document,
        SchemaField("s", "RECORD", fields=[document, SchemaField("all", "JSON", "REPEATED")]),
        SchemaField("r", "RECORD", "REPEATED", fields=[document]),
    ]
    table = client.create_table(bigquery.Table(table_id, schema))
    value = {"a": [1, {"b": "x"}]}
    text = '{"a": [1, {"b": "x"}]}'
    nested = {"j": text, "s": {"j": text, "all": [text, "2"]}, "r": [{"j": text}]}
    assert client.insert_rows_json(table, [nested]) == []
    (row,) = client.query(f"SELECT * FROM `{table_id}`").result()
    expected = {"j": value, "s": {"j": value, "all": [value, 2]}, "r": [{"j": value}]}
    assert dict(row) == expected
    (kind,) = client.query(f"SELECT JSON_TYPE(s.j) FROM `{table_id}`").result()
    assert kind[0] == "object"


def test_text_that_is_no_json_is_a_row_error(client: bigquery.Client, table_id: str) -> None:
    schema = [SchemaField("i", "INTEGER"), SchemaField("s", "RECORD", fields=[
        SchemaField("j", "JSON"),
    ])]  # fmt: skip
    client.create_table(bigquery.Table(table_id, schema))
    rows = [{"i": 1, "s": {"j": "{no"}}, {"i": 2, "s": {"j": "[]"}}, {"i": "x"}]
    errors = {entry["index"]: entry["errors"][0] for entry in client.insert_rows_json(
        table_id, rows
    )}  # fmt: skip
    assert [errors[at]["reason"] for at in range(3)] == ["invalid", "stopped", "invalid"]
    assert (errors[0]["location"], errors[2]["location"]) == ("j", "i")
    assert list(client.list_rows(table_id)) == []
    skipped = client.insert_rows_json(table_id, rows, skip_invalid_rows=True)
    assert sorted(entry["index"] for entry in skipped) == [0, 2]
    assert [row["i"] for row in client.list_rows(table_id)] == [2]
