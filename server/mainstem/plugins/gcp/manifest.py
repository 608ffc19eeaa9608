"""Type names of the Google Cloud group."""

from typing import Final

_GCP: Final = "io.kestra.plugin.gcp"
_HERE: Final = "mainstem.plugins.gcp"

TYPES: Final = {
    **{
        f"{_GCP}.gcs.{name}": f"{_HERE}.gcs.{module}:{name}"
        for module, names in {
            "buckets": ("CreateBucket", "UpdateBucket", "DeleteBucket", "CreateBucketIamPolicy"),
            "objects": ("Upload", "Download", "Copy", "Delete"),
            "lists": ("List", "Downloads", "Compose", "DeleteList"),
            "trigger": ("Trigger",),
        }.items()
        for name in names
    },
    **{
        f"{_GCP}.bigquery.{name}": f"{_HERE}.bigquery.{module}:{name}"
        for module, names in {
            "query": ("Query",),
            "load": ("Load", "LoadFromGcs"),
            "datasets": (
                "CreateDataset", "UpdateDataset", "DeleteDataset", "DeleteTable", "Copy",
                "ExtractToGcs",
            ),
            "tables": ("CreateTable", "UpdateTable", "TableMetadata"),
            "partitions": ("CopyPartitions", "DeletePartitions"),
            "trigger": ("Trigger",),
        }.items()
        for name in names
    },
    f"{_GCP}.auth.OauthAccessToken": f"{_HERE}.auth:OauthAccessToken",
    f"{_GCP}.cli.GCloudCLI": f"{_HERE}.cli:GCloudCLI",
}  # fmt: skip

ALIASES: Final[dict[str, str]] = {}
