"""Routes of secrets: names and origins out, values only in."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from mainstem.api import wire
from mainstem.api.services import Services
from mainstem.services.secrets import LocatedNote

router = APIRouter(tags=["secrets"])


class Tag(BaseModel):
    """A label of a secret."""

    key: str
    value: str


class SecretMeta(BaseModel):
    """What is told of a secret."""

    model_config = ConfigDict(extra="ignore")

    description: str | None = None
    tags: list[Tag] = Field(default_factory=list, max_length=50)

    def tag_map(self) -> dict[str, str]:
        return {tag.key: tag.value for tag in self.tags}


class SecretValue(SecretMeta):
    """A secret to store; its value is never given back."""

    key: str = Field(min_length=1, max_length=250)
    value: str = Field(min_length=1, repr=False)


@router.get("/namespaces/{namespace}/secrets")
def secrets_list(
    namespace: str,
    services: Services,
    q: str = "",
    page: Annotated[int, Query(ge=1)] = 1,
    size: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> wire.Json:
    """Names of exactly this namespace."""
    found, faults = services.secrets.own(namespace)
    chosen = [item for item in found if q.lower() in item.note.key.lower()]
    shown = chosen[(page - 1) * size : page * size]
    listed = wire.listing([_meta(item) for item in shown], len(chosen))
    return {**listed, "readOnly": services.secrets.writes_to is None, "faults": faults}


@router.get("/namespaces/{namespace}/inherited-secrets")
def secrets_inherited(namespace: str, services: Services) -> dict[str, list[str]]:
    """Names that the namespace sees, by the namespace that has them."""
    found, _ = services.secrets.visible(namespace)
    by_place: dict[str, list[str]] = {}
    for item in found:
        by_place.setdefault("" if item.is_shared else item.namespace, []).append(item.note.key)
    return by_place


@router.put("/namespaces/{namespace}/secrets")
def secret_put(namespace: str, body: SecretValue, services: Services) -> list[wire.Json]:
    """Create or replace a secret; answers with the names of the namespace."""
    services.secrets.put(namespace, body.key, body.value, body.description, body.tag_map())
    return [_meta(item) for item in services.secrets.own(namespace)[0]]


@router.patch("/namespaces/{namespace}/secrets/{key}")
def secret_patch(namespace: str, key: str, body: SecretMeta, services: Services) -> list[wire.Json]:
    """Change description and tags."""
    services.secrets.annotate(namespace, key, body.description, body.tag_map())
    return [_meta(item) for item in services.secrets.own(namespace)[0]]


@router.delete("/namespaces/{namespace}/secrets/{key}", status_code=204)
def secret_delete(namespace: str, key: str, services: Services) -> Response:
    """Delete a secret of exactly this namespace."""
    services.secrets.delete(namespace, key)
    return Response(status_code=204)


def _meta(item: LocatedNote) -> wire.Json:
    note = item.note
    return {
        "key": note.key,
        "namespace": item.namespace,
        "description": note.description,
        "tags": [{"key": key, "value": value} for key, value in note.tags.items()],
        "source": item.source,
        "readOnly": not item.writable,
        "updated": wire.moment(note.updated_at),
    }
