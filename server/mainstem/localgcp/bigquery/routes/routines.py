"""Routines that were created by SQL: listing, reading and deleting them."""

from fastapi import APIRouter

from mainstem.localgcp.bigquery.errors import unsupported
from mainstem.localgcp.bigquery.model import DatasetRef, TableRef
from mainstem.localgcp.bigquery.routes.http import JsonAnswer, Store
from mainstem.localgcp.bigquery.sql.host import Routine

router = APIRouter()
ALL = "/projects/{project}/datasets/{dataset}/routines"
ONE = ALL + "/{routine}"


def routine_json(routine: Routine) -> dict[str, object]:
    ref = routine.ref
    arguments: list[dict[str, object]] = [
        {"name": name, "argumentKind": "ANY_TYPE"}
        if kind.upper() == "ANY TYPE"
        else {"name": name, "dataType": {"typeKind": kind}}
        for name, kind in routine.arguments
    ]
    kind = "TABLE_VALUED_FUNCTION" if routine.is_table_function else "SCALAR_FUNCTION"
    body: dict[str, object] = {
        "routineReference": {
            "projectId": ref.project,
            "datasetId": ref.dataset,
            "routineId": ref.table,
        },
        "routineType": kind,
        "language": "SQL",
        "arguments": arguments,
        "definitionBody": routine.body,
    }
    if routine.returns is not None:
        body["returnType"] = {"typeKind": routine.returns}
    if routine.description is not None:
        body["description"] = routine.description
    return body


@router.get(ALL)
def list_routines(project: str, dataset: str, store: Store) -> JsonAnswer:
    ref = DatasetRef(project, dataset)
    catalog = store.catalog(project)
    catalog.dataset(ref)
    held = catalog.routines.get(dataset, {})
    return JsonAnswer({"routines": [routine_json(held[name]) for name in sorted(held)]})


@router.post(ALL)
def insert_routine(project: str, dataset: str) -> JsonAnswer:
    raise unsupported("routines.insert; use CREATE FUNCTION in a query")


@router.get(ONE)
def get_routine(project: str, dataset: str, routine: str, store: Store) -> JsonAnswer:
    catalog = store.catalog(project)
    catalog.dataset(DatasetRef(project, dataset))
    return JsonAnswer(routine_json(catalog.routine(TableRef(project, dataset, routine))))


@router.put(ONE)
def update_routine(project: str, dataset: str, routine: str) -> JsonAnswer:
    raise unsupported("routines.update; use CREATE OR REPLACE FUNCTION in a query")


@router.delete(ONE)
def delete_routine(project: str, dataset: str, routine: str, store: Store) -> JsonAnswer:
    with store.writing(project) as transaction:
        transaction.drop_routine(TableRef(project, dataset, routine))
    return JsonAnswer(b"", status_code=204)
