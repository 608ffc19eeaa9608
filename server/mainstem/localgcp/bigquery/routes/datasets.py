"""Projects and datasets."""

import re

from fastapi import APIRouter, Request

from mainstem.localgcp.bigquery.errors import invalid
from mainstem.localgcp.bigquery.model import Dataset, DatasetRef
from mainstem.localgcp.bigquery.pages import page, whole_number
from mainstem.localgcp.bigquery.routes.http import (
    Body,
    JsonAnswer,
    Store,
    check_etag,
    without_none,
)
from mainstem.localgcp.bigquery.wire.base import read
from mainstem.localgcp.bigquery.wire.datasets import (
    DatasetBody,
    dataset_json,
    dataset_list_item,
    new_dataset,
)
from mainstem.localgcp.bigquery.wire.parts import millis

router = APIRouter()
ONE = "/projects/{project}/datasets/{dataset}"
ALL = "/projects/{project}/datasets"


@router.get("/projects")
def list_projects(store: Store, request: Request) -> JsonAnswer:
    found, following = page(
        store.projects(),
        request.query_params.get("pageToken"),
        whole_number("maxResults", request.query_params.get("maxResults")),
    )
    projects = [
        {
            "kind": "bigquery#project",
            "id": name,
            "numericId": _number_of(name),
            "projectReference": {"projectId": name},
            "friendlyName": name,
        }
        for name in found
    ]
    body = {
        "kind": "bigquery#projectList",
        "etag": millis(store.now()),
        "projects": projects,
        "totalItems": len(store.projects()),
        "nextPageToken": following,
    }
    return JsonAnswer(without_none(body))


def _number_of(project: str) -> str:
    return str(int.from_bytes(project.encode()[:6], "big"))


@router.get("/projects/{project}/serviceAccount")
def service_account(project: str) -> JsonAnswer:
    email = f"bq-{_number_of(project)}@bigquery-encryption.iam.gserviceaccount.com"
    return JsonAnswer({"kind": "bigquery#getServiceAccountResponse", "email": email})


@router.get(ALL)
def list_datasets(project: str, store: Store, request: Request) -> JsonAnswer:
    query = request.query_params
    catalog = store.catalog(project)
    names = sorted(catalog.datasets)
    if query.get("all") not in ("true", "True"):
        names = [name for name in names if not name.startswith("_")]
    wanted = _label_filter(query.get("filter"))
    matching = [catalog.datasets[name] for name in names]
    matching = [dataset for dataset in matching if _has_labels(dataset, wanted)]
    found, following = page(
        matching, query.get("pageToken"), whole_number("maxResults", query.get("maxResults"))
    )
    body = {
        "kind": "bigquery#datasetList",
        "etag": millis(store.now()),
        "datasets": [dataset_list_item(dataset) for dataset in found],
        "nextPageToken": following,
    }
    return JsonAnswer(without_none(body))


def _label_filter(text: str | None) -> list[tuple[str, str | None]]:
    """`labels.key` and `labels.key:value`, all of which have to hold."""
    wanted: list[tuple[str, str | None]] = []
    for term in (text or "").split():
        if term == "AND":
            continue
        match = re.fullmatch(r"labels\.([^:]+)(?::(.*))?", term)
        if match is None:
            raise invalid(f"Invalid filter: {text}. Use labels.<name>[:<value>].", "filter")
        value = match.group(2)
        wanted.append((match.group(1), None if value in (None, "*") else value))
    return wanted


def _has_labels(dataset: Dataset, wanted: list[tuple[str, str | None]]) -> bool:
    held = dict(dataset.labels)
    return all(name in held and value in (None, held[name]) for name, value in wanted)


@router.post(ALL)
def insert_dataset(project: str, body: Body, store: Store) -> JsonAnswer:
    wanted = read(DatasetBody, body)
    if wanted.dataset_reference is None:
        raise invalid("Required parameter is missing: datasetReference", "datasetReference")
    ref = wanted.dataset_reference.ref(project)
    _check_project(project, ref.project)
    with store.writing(project) as transaction:
        blank = new_dataset(wanted, ref, store.default_location, transaction.now)
        created = transaction.create_dataset(blank)
    return JsonAnswer(dataset_json(created))


def _check_project(path: str, named: str) -> None:
    if path != named:
        raise invalid(f"Value {named} in content does not agree with value {path} in path")


@router.get(ONE)
def get_dataset(project: str, dataset: str, store: Store) -> JsonAnswer:
    return JsonAnswer(dataset_json(store.catalog(project).dataset(DatasetRef(project, dataset))))


@router.patch(ONE)
def patch_dataset(
    project: str, dataset: str, body: Body, store: Store, request: Request
) -> JsonAnswer:
    return _change(DatasetRef(project, dataset), body, store, request, replaces=False)


@router.put(ONE)
def update_dataset(
    project: str, dataset: str, body: Body, store: Store, request: Request
) -> JsonAnswer:
    return _change(DatasetRef(project, dataset), body, store, request, replaces=True)


def _change(
    ref: DatasetRef, body: object, store: Store, request: Request, *, replaces: bool
) -> JsonAnswer:
    wanted = read(DatasetBody, body)
    with store.writing(ref.project) as transaction:
        before = transaction.catalog.dataset(ref)
        check_etag(request, before)
        changed = transaction.update_dataset(wanted.applied_to(before, replaces=replaces))
    return JsonAnswer(dataset_json(changed))


@router.delete(ONE)
def delete_dataset(project: str, dataset: str, store: Store, request: Request) -> JsonAnswer:
    with_contents = request.query_params.get("deleteContents", "false").lower() == "true"
    with store.writing(project) as transaction:
        transaction.drop_dataset(DatasetRef(project, dataset), with_contents=with_contents)
    return JsonAnswer(b"", status_code=204)
