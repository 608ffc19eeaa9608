"""What the API has and this emulator does not: refused by its name, the rest is not found."""

from fastapi import APIRouter, Request

from mainstem.localgcp.bigquery.errors import BigQueryError, not_found, unsupported
from mainstem.localgcp.bigquery.routes.http import JsonAnswer

router = APIRouter()
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
DATASET = "/bigquery/v2/projects/{project}/datasets/{dataset}"


@router.get(DATASET + "/models")
def list_models(project: str, dataset: str) -> JsonAnswer:
    """There are none, since none can be made."""
    return JsonAnswer({"models": []})


@router.api_route(DATASET + "/models/{model}", methods=METHODS)
def one_model(project: str, dataset: str, model: str, request: Request) -> JsonAnswer:
    if request.method in ("GET", "DELETE"):
        raise not_found(f"Not found: Model {project}:{dataset}.{model}")
    raise unsupported("models")


@router.api_route(DATASET + "/tables/{table}/rowAccessPolicies", methods=METHODS)
def row_access_policies(project: str, dataset: str, table: str) -> JsonAnswer:
    raise unsupported("row access policies")


@router.api_route("/{path:path}", methods=METHODS)
def anything_else(path: str, request: Request) -> JsonAnswer:
    raise BigQueryError(
        "notFound", f"Not found: the local BigQuery emulator has no {request.method} /{path}"
    )
