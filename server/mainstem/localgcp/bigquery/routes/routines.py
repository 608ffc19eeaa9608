"""SQL functions: created, listed, read and deleted."""

from fastapi import APIRouter

from mainstem.localgcp.bigquery.definitions import create_function
from mainstem.localgcp.bigquery.model import DatasetRef, TableRef
from mainstem.localgcp.bigquery.routes.http import Body, JsonAnswer, Store, Warehouse
from mainstem.localgcp.bigquery.wire.base import read
from mainstem.localgcp.bigquery.wire.routines import RoutineBody, routine_json

router = APIRouter()
ALL = "/projects/{project}/datasets/{dataset}/routines"
ONE = ALL + "/{routine}"


@router.get(ALL)
def list_routines(project: str, dataset: str, store: Store) -> JsonAnswer:
    ref = DatasetRef(project, dataset)
    catalog = store.catalog(project)
    catalog.dataset(ref)
    held = catalog.routines.get(dataset, {})
    return JsonAnswer({"routines": [routine_json(held[name]) for name in sorted(held)]})


@router.post(ALL)
def insert_routine(project: str, dataset: str, body: Body, warehouse: Warehouse) -> JsonAnswer:
    wanted = read(RoutineBody, body)
    ref = TableRef(project, dataset, wanted.routine_reference.routine_id)
    return _made(warehouse, ref, wanted, replaces=False)


def _made(
    warehouse: Warehouse, ref: TableRef, wanted: RoutineBody, *, replaces: bool
) -> JsonAnswer:
    create_function(warehouse, ref, wanted.statement(ref, replaces=replaces))
    return JsonAnswer(routine_json(warehouse.database.catalog(ref.project).routine(ref)))


@router.get(ONE)
def get_routine(project: str, dataset: str, routine: str, store: Store) -> JsonAnswer:
    catalog = store.catalog(project)
    catalog.dataset(DatasetRef(project, dataset))
    return JsonAnswer(routine_json(catalog.routine(TableRef(project, dataset, routine))))


@router.put(ONE)
def update_routine(
    project: str, dataset: str, routine: str, body: Body, warehouse: Warehouse
) -> JsonAnswer:
    wanted, ref = read(RoutineBody, body), TableRef(project, dataset, routine)
    warehouse.database.catalog(project).routine(ref)
    return _made(warehouse, ref, wanted, replaces=True)


@router.delete(ONE)
def delete_routine(project: str, dataset: str, routine: str, store: Store) -> JsonAnswer:
    with store.writing(project) as transaction:
        transaction.drop_routine(TableRef(project, dataset, routine))
    return JsonAnswer(b"", status_code=204)
