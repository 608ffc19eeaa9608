"""The internal storage that the settings name."""

from mainstem.settings import Settings
from mainstem.storage.base import Storage
from mainstem.storage.gcs import GcsStorage
from mainstem.storage.local import LocalStorage


def open_storage(settings: Settings) -> Storage:
    """Nothing is asked of a bucket yet."""
    wanted = settings.storage
    if wanted.type == "gcs":
        assert wanted.bucket is not None
        return GcsStorage(wanted.bucket, wanted.prefix, settings.gcp.endpoints.storage)
    return LocalStorage(settings.storage_path)
