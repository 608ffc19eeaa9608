"""The rows of tables: reading them by pages, adding them one by one."""

from collections.abc import Sequence
from dataclasses import replace

from fastapi import APIRouter, Request

from mainstem.localgcp.bigquery.errors import invalid
from mainstem.localgcp.bigquery.insertall import InsertRequest, insert_all
from mainstem.localgcp.bigquery.model import TableRef
from mainstem.localgcp.bigquery.names import ANONYMOUS
from mainstem.localgcp.bigquery.pages import place_of, token_of, whole_number
from mainstem.localgcp.bigquery.partitions import rows_of, split
from mainstem.localgcp.bigquery.routes.http import Body, JsonAnswer, Warehouse
from mainstem.localgcp.bigquery.rows import Window, read_page
from mainstem.localgcp.bigquery.sql.types import Field
from mainstem.localgcp.bigquery.wire.base import read
from mainstem.localgcp.bigquery.wire.jobjson import with_rows

router = APIRouter()
TABLE = "/projects/{project}/datasets/{dataset}/tables/{table}"


@router.get(TABLE + "/data")
def list_rows(
    project: str, dataset: str, table: str, warehouse: Warehouse, request: Request
) -> JsonAnswer:
    """A page of rows; the columns that `selectedFields` names, or all."""
    query = request.query_params
    ref, partition = split(TableRef(project, dataset, table))
    if dataset == ANONYMOUS:
        held = warehouse.results.table(ref)
    else:
        held = warehouse.database.catalog(project).table(ref, warehouse.database.now())
    if not held.is_native:
        raise invalid(f"Cannot list a table of type {held.kind}.")
    start = place_of(query.get("pageToken"))
    if not start:
        start = whole_number("startIndex", query.get("startIndex")) or 0
    limit = whole_number("maxResults", query.get("maxResults"))
    int64 = query.get("formatOptions.useInt64Timestamp", "").lower() == "true"
    fields = _selected(held.schema, query.get("selectedFields"))
    source = rows_of(held, partition)
    with warehouse.database.reading() as cursor:
        counted = cursor.execute(f"SELECT count(*) FROM {source}").fetchone()
        page = read_page(cursor, source, fields, Window(start, limit), int64_timestamps=int64)
    head: dict[str, object] = {
        "kind": "bigquery#tableDataList",
        "etag": held.etag,
        "totalRows": str(counted[0] if counted is not None else 0),
    }
    if page.has_more:
        head["pageToken"] = token_of(start + len(page.rows))
    return JsonAnswer(with_rows(head, page.body()))


def _selected(schema: Sequence[Field], text: str | None) -> tuple[Field, ...]:
    """The named fields in the order of the request; `record.member` narrows a record."""
    if not text:
        return tuple(schema)
    by_name = {field.name.casefold(): field for field in schema}
    inner: dict[str, list[str]] = {}
    for path in text.split(","):
        name, _, rest = path.strip().partition(".")
        if name.casefold() not in by_name:
            raise invalid(f"No such field: {name}", "selectedFields")
        inner.setdefault(name.casefold(), []).append(rest)
    return tuple(_narrowed(by_name[name], paths) for name, paths in inner.items())


def _narrowed(field: Field, paths: Sequence[str]) -> Field:
    if "" in paths:
        return field
    return replace(field, fields=_selected(field.fields, ",".join(paths)))


@router.post(TABLE + "/insertAll")
def insert_rows(project: str, dataset: str, table: str, body: Body, request: Request) -> JsonAnswer:
    wanted = read(InsertRequest, body)
    state = request.app.state
    errors = insert_all(
        state.warehouse, state.insert_ids, TableRef(project, dataset, table), wanted
    )
    answer: dict[str, object] = {"kind": "bigquery#tableDataInsertAllResponse"}
    if errors:
        answer["insertErrors"] = errors
    return JsonAnswer(answer)
