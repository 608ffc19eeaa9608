"""A dataset as the REST API writes it."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Final

from pydantic import Field as Bound

from mainstem.localgcp.bigquery.errors import invalid
from mainstem.localgcp.bigquery.model import Dataset, DatasetRef
from mainstem.localgcp.bigquery.wire.base import OutputOnly, Refused, Wire
from mainstem.localgcp.bigquery.wire.config import DatasetReference
from mainstem.localgcp.bigquery.wire.parts import drop_missing, labels_of, millis

HOUR_MS: Final = 3_600_000


class DatasetBody(Wire):
    dataset_reference: DatasetReference | None = None
    friendly_name: str | None = None
    description: str | None = None
    labels: dict[str, str | None] | None = None
    location: str | None = None
    access: list[dict[str, object]] | None = None
    default_table_expiration_ms: int | None = None
    default_partition_expiration_ms: int | None = None
    max_time_travel_hours: int | None = Bound(default=None, ge=48, le=168)
    storage_billing_model: str | None = None
    is_case_insensitive: bool | None = None
    default_rounding_mode: str | None = None
    default_collation: Refused = None
    default_encryption_configuration: Refused = None
    external_dataset_reference: Refused = None
    external_catalog_dataset_options: Refused = None
    linked_dataset_source: Refused = None
    resource_tags: Refused = None
    tags: Refused = None
    kind: OutputOnly = None
    etag: OutputOnly = None
    id: OutputOnly = None
    self_link: OutputOnly = None
    creation_time: OutputOnly = None
    last_modified_time: OutputOnly = None
    type: OutputOnly = None
    satisfies_pzs: OutputOnly = None
    satisfies_pzi: OutputOnly = None

    def applied_to(self, before: Dataset, *, replaces: bool) -> Dataset:
        """The dataset after a patch (named fields only) or an update (all of them)."""
        given = self.model_fields_set
        self._check(before)

        def chosen(name: str, old: object) -> object:
            return getattr(self, name) if replaces or name in given else old

        changes = {name: chosen(name, getattr(before, name)) for name in PLAIN}
        labels, access = before.labels, before.access
        if self.labels is not None or "labels" in given or replaces:
            labels = labels_of(self.labels or {}, () if replaces else before.labels)
        if "access" in given:
            access = json.dumps(self.access or [])
        changes["is_case_insensitive"] = bool(chosen("is_case_insensitive", False))
        return replace(before, labels=labels, access=access, **changes)  # type: ignore[arg-type]  # by name

    def _check(self, before: Dataset) -> None:
        if self.location is not None and self.location.upper() != before.location.upper():
            raise invalid(
                f"Cannot change the location of dataset {before.ref} from {before.location} "
                f"to {self.location}"
            )
        if self.default_table_expiration_ms is not None and (
            0 < self.default_table_expiration_ms < HOUR_MS
        ):
            raise invalid("defaultTableExpirationMs must be at least one hour (3600000)")


PLAIN: Final = (
    "friendly_name",
    "description",
    "default_table_expiration_ms",
    "default_partition_expiration_ms",
    "max_time_travel_hours",
    "storage_billing_model",
    "default_rounding_mode",
)


def new_dataset(body: DatasetBody, ref: DatasetRef, location: str, now: datetime) -> Dataset:
    """The dataset that an insert asks for."""
    blank = Dataset(ref, body.location or location, now, now, "")
    return body.applied_to(blank, replaces=True)


def dataset_json(dataset: Dataset) -> dict[str, object]:
    ref = dataset.ref
    body = {
        "kind": "bigquery#dataset",
        "etag": dataset.etag,
        "id": str(ref),
        "selfLink": f"/bigquery/v2/projects/{ref.project}/datasets/{ref.dataset}",
        "datasetReference": {"datasetId": ref.dataset, "projectId": ref.project},
        "friendlyName": dataset.friendly_name,
        "description": dataset.description,
        "labels": dict(dataset.labels) or None,
        "location": dataset.location,
        "type": "DEFAULT",
        "access": json.loads(dataset.access) if dataset.access else DEFAULT_ACCESS,
        "creationTime": millis(dataset.created),
        "lastModifiedTime": millis(dataset.modified),
        "defaultTableExpirationMs": dataset.default_table_expiration_ms,
        "defaultPartitionExpirationMs": dataset.default_partition_expiration_ms,
        "maxTimeTravelHours": dataset.max_time_travel_hours or 168,
        "storageBillingModel": dataset.storage_billing_model,
        "isCaseInsensitive": dataset.is_case_insensitive or None,
        "defaultRoundingMode": dataset.default_rounding_mode,
    }
    return drop_missing(body)


def dataset_list_item(dataset: Dataset) -> dict[str, object]:
    ref = dataset.ref
    body = {
        "kind": "bigquery#dataset",
        "id": str(ref),
        "datasetReference": {"datasetId": ref.dataset, "projectId": ref.project},
        "friendlyName": dataset.friendly_name,
        "labels": dict(dataset.labels) or None,
        "location": dataset.location,
    }
    return drop_missing(body)


DEFAULT_ACCESS: Final = [
    {"role": "WRITER", "specialGroup": "projectWriters"},
    {"role": "OWNER", "specialGroup": "projectOwners"},
    {"role": "READER", "specialGroup": "projectReaders"},
]
