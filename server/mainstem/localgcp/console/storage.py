"""Buckets and objects as the storage emulator's JSON API tells them."""

import http.client
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlencode, urlsplit

TIMEOUT_SECONDS = 10
PAGE_SIZE = 200
MAX_ANSWER_BYTES = 16_000_000


class StorageUnavailable(Exception):
    """The storage emulator does not answer, for instance while it is being restarted."""


class NoSuchObject(Exception):
    """There is no such bucket or object."""


@dataclass(frozen=True, slots=True)
class Bucket:
    name: str
    created: datetime | None
    location: str


@dataclass(frozen=True, slots=True)
class StoredObject:
    bucket: str
    name: str
    size: int
    content_type: str
    content_encoding: str
    updated: datetime | None
    generation: str
    md5: str
    metadata: tuple[tuple[str, str], ...]

    @property
    def uri(self) -> str:
        return f"gs://{self.bucket}/{self.name}"


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a folder: sub-folders, objects, and where the next page starts."""

    folders: tuple[str, ...]
    objects: tuple[StoredObject, ...]
    next_page: str


class Buckets:
    """Reads one storage emulator; every call is one request with a deadline."""

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url).netloc

    def all(self, project: str) -> Sequence[Bucket]:
        answer = self._json("/storage/v1/b", {"project": project})
        return sorted(
            (
                Bucket(_text(item, "name"), _moment(item, "timeCreated"), _text(item, "location"))
                for item in _items(answer, "items")
            ),
            key=lambda bucket: bucket.name,
        )

    def folder(self, bucket: str, prefix: str, page: str) -> Listing:
        query = {"delimiter": "/", "prefix": prefix, "maxResults": str(PAGE_SIZE)}
        answer = self._json(
            f"/storage/v1/b/{quote(bucket, safe='')}/o",
            {**query, **({"pageToken": page} if page else {})},
        )
        folders = answer.get("prefixes")
        return Listing(
            folders=tuple(map(str, folders)) if isinstance(folders, list) else (),
            objects=tuple(_object(item) for item in _items(answer, "items")),
            next_page=_text(answer, "nextPageToken"),
        )

    def find(self, bucket: str, name: str) -> StoredObject:
        return _object(self._json(_object_path(bucket, name), {}))

    def head(self, stored: StoredObject, limit: int) -> bytes:
        """The first bytes of an object."""
        path = f"{_object_path(stored.bucket, stored.name)}?alt=media"
        last = min(limit, stored.size) - 1
        return self._get(path, limit, {"Range": f"bytes=0-{last}"}) if last >= 0 else b""

    def _json(self, path: str, query: Mapping[str, str]) -> Mapping[str, object]:
        content = json.loads(self._get(f"{path}?{urlencode(query)}", MAX_ANSWER_BYTES, {}))
        if not isinstance(content, dict):
            raise StorageUnavailable
        return content

    def _get(self, path: str, limit: int, headers: Mapping[str, str]) -> bytes:
        connection = http.client.HTTPConnection(self._address, timeout=TIMEOUT_SECONDS)
        try:
            connection.request("GET", path, headers=dict(headers))
            answer = connection.getresponse()
            if answer.status == 404:
                raise NoSuchObject
            if answer.status >= 300:
                raise StorageUnavailable
            return answer.read(limit)
        except (OSError, http.client.HTTPException):
            raise StorageUnavailable from None
        finally:
            connection.close()


def _object_path(bucket: str, name: str) -> str:
    return f"/storage/v1/b/{quote(bucket, safe='')}/o/{quote(name, safe='')}"


def _object(item: Mapping[str, object]) -> StoredObject:
    metadata = item.get("metadata")
    pairs = metadata.items() if isinstance(metadata, dict) else ()
    return StoredObject(
        bucket=_text(item, "bucket"),
        name=_text(item, "name"),
        size=int(_text(item, "size") or 0),
        content_type=_text(item, "contentType"),
        content_encoding=_text(item, "contentEncoding"),
        updated=_moment(item, "updated"),
        generation=_text(item, "generation"),
        md5=_text(item, "md5Hash"),
        metadata=tuple(sorted((str(key), str(value)) for key, value in pairs)),
    )


def _items(answer: Mapping[str, object], key: str) -> Sequence[Mapping[str, object]]:
    items = answer.get(key)
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _text(item: Mapping[str, object], key: str) -> str:
    value = item.get(key)
    return "" if value is None else str(value)


def _moment(item: Mapping[str, object], key: str) -> datetime | None:
    try:
        return datetime.fromisoformat(_text(item, key))
    except ValueError:
        return None
