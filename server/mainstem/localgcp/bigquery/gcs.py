"""Cloud Storage as the emulator sees it: objects are read from the folder, written by HTTP."""

from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from mainstem.localgcp.bigquery.errors import BigQueryError, not_found

SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class GcsEndpoint:
    """Where the storage emulator answers and where it keeps `ROOT/bucket/object`."""

    url: str
    root: Path


def upload_object(storage: GcsEndpoint, uri: str, path: Path) -> None:
    """Write an object through the emulator: a file put into its folder would hide the bucket."""
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    target = f"/upload/storage/v1/b/{quote(bucket, safe='')}/o?" + urlencode(
        {"uploadType": "media", "name": name}
    )
    address = urlsplit(storage.url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=SECONDS)
    headers = {
        "content-type": "application/octet-stream",
        "content-length": str(path.stat().st_size),
    }
    try:
        with path.open("rb") as content:
            connection.request("POST", target, body=content, headers=headers)
            status = connection.getresponse().status
    except OSError as problem:
        raise BigQueryError(
            "backendError", f"Cloud Storage did not take {uri}: {problem}"
        ) from problem
    finally:
        connection.close()
    if status == HTTPStatus.NOT_FOUND:
        raise not_found(f"Not found: Bucket {bucket}")
    if status >= HTTPStatus.BAD_REQUEST:
        raise BigQueryError("backendError", f"Cloud Storage answered {status} for {uri}")
