"""Tables, views and external tables."""

from dataclasses import replace

from fastapi import APIRouter, Request

from mainstem.localgcp.bigquery.definitions import with_schema
from mainstem.localgcp.bigquery.errors import invalid
from mainstem.localgcp.bigquery.evolution import change_schema
from mainstem.localgcp.bigquery.model import DatasetRef, Kind, Table, TableRef
from mainstem.localgcp.bigquery.names import ANONYMOUS, relation
from mainstem.localgcp.bigquery.pages import page, whole_number
from mainstem.localgcp.bigquery.partitions import condition, rows_of, split
from mainstem.localgcp.bigquery.routes.http import (
    Body,
    JsonAnswer,
    Store,
    Warehouse,
    check_etag,
    without_none,
)
from mainstem.localgcp.bigquery.sql.types import Field
from mainstem.localgcp.bigquery.wire.base import read
from mainstem.localgcp.bigquery.wire.parts import millis
from mainstem.localgcp.bigquery.wire.tables import (
    TableBody,
    changed_table,
    new_table,
    table_json,
    table_list_item,
)

router = APIRouter()
ALL = "/projects/{project}/datasets/{dataset}/tables"
ONE = ALL + "/{table}"


@router.get(ALL)
def list_tables(project: str, dataset: str, store: Store, request: Request) -> JsonAnswer:
    ref = DatasetRef(project, dataset)
    catalog = store.catalog(project)
    catalog.dataset(ref)
    tables = catalog.tables_of(ref, store.now())
    found, following = page(
        tables,
        request.query_params.get("pageToken"),
        whole_number("maxResults", request.query_params.get("maxResults")),
    )
    body = {
        "kind": "bigquery#tableList",
        "etag": millis(store.now()),
        "tables": [table_list_item(table) for table in found],
        "totalItems": len(tables),
        "nextPageToken": following,
    }
    return JsonAnswer(without_none(body))


@router.post(ALL)
def insert_table(
    project: str, dataset: str, body: Body, store: Store, warehouse: Warehouse
) -> JsonAnswer:
    wanted = read(TableBody, body)
    if wanted.table_reference is None:
        raise invalid("Required parameter is missing: tableReference", "tableReference")
    ref = wanted.table_reference.ref(project)
    if (ref.project, ref.dataset) != (project, dataset):
        raise invalid(f"Value {ref} in content does not agree with the dataset in the path")
    location = store.catalog(project).dataset(ref.dataset_ref).location
    table = with_schema(warehouse, new_table(wanted, ref, location, store.now()))
    with store.writing(project) as transaction:
        created = transaction.create_table(table)
    return JsonAnswer(table_json(created, 0, 0))


@router.get(ONE)
def get_table(
    project: str, dataset: str, table: str, store: Store, warehouse: Warehouse
) -> JsonAnswer:
    ref, partition = split(TableRef(project, dataset, table))
    if dataset == ANONYMOUS:
        held = warehouse.results.table(ref)
    else:
        held = store.catalog(project).table(ref, store.now())
    if partition is not None:
        return _partition(held, partition, warehouse)
    return _answer(held, warehouse)


def _partition(table: Table, partition: str, warehouse: Warehouse) -> JsonAnswer:
    """The table as its decorated name shows it: with the rows of one partition."""
    source = rows_of(table, partition)
    with warehouse.database.reading() as cursor:
        counted = cursor.execute(f"SELECT count(*) FROM {source}").fetchone()
    rows, size = int(counted[0]) if counted is not None else 0, warehouse.sizes.of(table)
    named = replace(table, ref=replace(table.ref, table=f"{table.ref.table}${partition}"))
    return JsonAnswer(table_json(named, rows, size.bytes * rows // max(size.rows, 1)))


def _answer(table: Table, warehouse: Warehouse) -> JsonAnswer:
    size = warehouse.sizes.of(table)
    return JsonAnswer(table_json(table, size.rows, size.bytes))


@router.patch(ONE)
def patch_table(project: str, dataset: str, table: str, body: Body, request: Request) -> JsonAnswer:
    return _change(TableRef(project, dataset, table), body, request, replaces=False)


@router.put(ONE)
def update_table(
    project: str, dataset: str, table: str, body: Body, request: Request
) -> JsonAnswer:
    return _change(TableRef(project, dataset, table), body, request, replaces=True)


def _change(ref: TableRef, body: object, request: Request, *, replaces: bool) -> JsonAnswer:
    wanted = read(TableBody, body)
    store, warehouse = request.app.state.database, request.app.state.warehouse
    before = store.catalog(ref.project).table(ref, store.now())
    described = None
    if wanted.view is not None or wanted.materialized_view is not None:
        draft = changed_table(wanted, before, replaces=replaces, now=store.now())
        described = with_schema(warehouse, replace(draft, schema=())).schema
    with store.writing(ref.project) as transaction:
        before = transaction.catalog.table(ref, transaction.now)
        check_etag(request, before)
        after = changed_table(wanted, before, replaces=replaces, now=transaction.now)
        schema = wanted.fields()
        if described is not None:
            after = replace(after, schema=_reworded(described, schema))
        elif schema and before.kind is Kind.EXTERNAL:
            after = replace(after, schema=schema)
        elif schema and before.is_native:
            after = change_schema(transaction, after, schema)
        elif schema:
            after = replace(after, schema=_reworded(after.schema, schema))
        changed = transaction.update_table(after)
    return _answer(changed, warehouse)


def _reworded(schema: tuple[Field, ...], given: tuple[Field, ...]) -> tuple[Field, ...]:
    """A view's columns keep the types of its query; only descriptions can be given."""
    texts = {field.name.casefold(): field.description for field in given}
    return tuple(
        replace(field, description=texts.get(field.name.casefold(), field.description))
        for field in schema
    )


@router.delete(ONE)
def delete_table(project: str, dataset: str, table: str, store: Store) -> JsonAnswer:
    ref, partition = split(TableRef(project, dataset, table))
    with store.writing(project) as transaction:
        if partition is None:
            transaction.drop_table(ref)
        else:
            where = condition(transaction.catalog.table(ref, transaction.now), partition)
            transaction.cursor.execute(f"DELETE FROM {relation(ref)} WHERE {where}")
            transaction.touch(ref)
    return JsonAnswer(b"", status_code=204)


@router.post(ONE + ":{verb}")
def table_policy(verb: str) -> JsonAnswer:
    raise invalid(
        f"The local BigQuery emulator does not support tables.{verb}: it has no access control."
    )
