"""Secrets and versions as the JSON of the API, and requests out of it."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import google_crc32c

from mainstem.localgcp.secretmanager.errors import invalid
from mainstem.localgcp.secretmanager.filters import Fields
from mainstem.localgcp.secretmanager.model import STATE_NUMBERS, Secret, Version

MAX_PAYLOAD_BYTES = 65_536
LARGEST_PAGE = 25_000

Json = dict[str, object]


def secret_json(secret: Secret) -> Json:
    if secret.replicas is None:
        replication: Json = {"automatic": {}}
    else:
        replicas = [{"location": location} for location in secret.replicas]
        replication = {"userManaged": {"replicas": replicas}}
    optional: Json = {
        "labels": dict(secret.labels),
        "annotations": dict(secret.annotations),
        "versionAliases": {alias: str(number) for alias, number in secret.aliases.items()},
        "expireTime": secret.expires and _time(secret.expires),
    }
    return {
        "name": secret.name,
        "replication": replication,
        "createTime": _time(secret.created),
        "etag": secret.etag,
        **{field: value for field, value in optional.items() if value},
    }


def version_json(secret: Secret, version: Version, *, with_numbers: bool) -> Json:
    """`with_numbers` answers clients that ask for enum-encoding=int."""
    if secret.replicas is None:
        status: Json = {"automatic": {}}
    else:
        replicas = [{"location": location} for location in secret.replicas]
        status = {"userManaged": {"replicas": replicas}}
    answer: Json = {
        "name": secret.version_name(version.number),
        "createTime": _time(version.created),
        "state": STATE_NUMBERS[version.state] if with_numbers else version.state.value,
        "replicationStatus": status,
        "etag": version.etag,
    }
    if version.has_client_checksum:
        answer["clientSpecifiedPayloadChecksum"] = True
    if version.destroyed is not None:
        answer["destroyTime"] = _time(version.destroyed)
    return answer


def payload_json(secret: Secret, version: Version) -> Json:
    """The one answer that carries a value, with the checksum the client verifies."""
    return {
        "name": secret.version_name(version.number),
        "payload": {
            "data": base64.b64encode(version.data).decode(),
            "dataCrc32c": str(google_crc32c.value(version.data)),
        },
    }


def secret_fields(secret: Secret) -> Fields:
    """What a filter may compare."""
    fields: dict[str, str | datetime] = {"name": secret.name, "create_time": secret.created}
    if secret.expires is not None:
        fields["expire_time"] = secret.expires
    return {**fields, **{f"labels.{key}": value for key, value in secret.labels.items()}}


def version_fields(secret: Secret, version: Version) -> Fields:
    fields: dict[str, str | datetime] = {
        "name": secret.version_name(version.number),
        "state": version.state.value,
        "create_time": version.created,
    }
    return fields if version.destroyed is None else {**fields, "destroy_time": version.destroyed}


def payload_from(body: Mapping[str, object]) -> tuple[bytes, bool]:
    """The bytes of an addVersion request and whether the client sent their checksum."""
    payload = body.get("payload")
    only_fields(body, {"payload"}, "")
    if not isinstance(payload, dict):
        raise invalid("The secret version's payload must be set.")
    only_fields(payload, {"data", "dataCrc32c"}, "payload")
    data = _bytes(payload.get("data"))
    if not data:
        raise invalid("The secret payload must not be empty.")
    if len(data) > MAX_PAYLOAD_BYTES:
        raise invalid(f"The secret payload is larger than {MAX_PAYLOAD_BYTES} bytes.")
    checksum = payload.get("dataCrc32c")
    if checksum is None:
        return data, False
    if not str(checksum).isdecimal() or int(str(checksum)) != google_crc32c.value(data):
        raise invalid("The payload's data_crc32c does not match its data: it was corrupted.")
    return data, True


def object_from(body: bytes) -> Json:
    """The request's JSON object; an empty body is an empty object."""
    if not body.strip():
        return {}
    try:
        content = json.loads(body)
    except ValueError:
        raise invalid("Invalid JSON payload received.") from None
    if not isinstance(content, dict):
        raise invalid("Invalid JSON payload received. Expected an object.")
    return content


def only_fields(content: Mapping[str, object], known: set[str], where: str) -> None:
    for field in content:
        if field not in known:
            at = f" at '{where}'" if where else ""
            raise invalid(
                f'Invalid JSON payload received. Unknown name "{field}"{at}: Cannot find field.'
            )


def page(items: Sequence[Json], key: str, query: Mapping[str, str]) -> Json:
    """One page of a list answer; the token is opaque to clients."""
    start, size = _page_start(query.get("pageToken", "")), _page_size(query.get("pageSize", "0"))
    answer: Json = {key: list(items[start : start + size])}
    if start + size < len(items):
        answer["nextPageToken"] = base64.urlsafe_b64encode(f"at:{start + size}".encode()).decode()
    if not query.get("filter"):
        answer["totalSize"] = len(items)
    return answer


def _page_start(token: str) -> int:
    if not token:
        return 0
    try:
        marker, _, start = base64.urlsafe_b64decode(token).decode().partition(":")
    except (ValueError, binascii.Error):
        marker, start = "", ""
    if marker != "at" or not start.isdecimal():
        raise invalid("The page token is not one that this list returned.")
    return int(start)


def _page_size(text: str) -> int:
    if not text.lstrip("-").isdecimal() or text.startswith("-"):
        raise invalid("The page size must be a number that is not negative.")
    return min(int(text) or LARGEST_PAGE, LARGEST_PAGE)


def _bytes(value: object) -> bytes:
    if value is None:
        return b""
    try:
        text = str(value).replace("-", "+").replace("_", "/")
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (ValueError, binascii.Error):
        raise invalid("Invalid value at 'payload.data': Base64 decoding failed.") from None


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
