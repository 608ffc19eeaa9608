"""What a create or patch request asks for, read strictly from its JSON."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mainstem.localgcp.secretmanager.errors import invalid, unsupported
from mainstem.localgcp.secretmanager.model import Secret

OUTPUT_ONLY = {"name", "createTime", "etag"}
UNSUPPORTED = {
    "topics",
    "rotation",
    "versionDestroyTtl",
    "customerManagedEncryption",
    "tags",
    "secretType",
    "policyMember",
}
LABEL_KEY = re.compile(r"[a-z\u00e0-\uffff][a-z0-9_\u00e0-\uffff-]{0,62}\Z")
LABEL_VALUE = re.compile(r"[a-z0-9_\u00e0-\uffff-]{0,63}\Z")
ALIAS = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}\Z")
DURATION = re.compile(r"(\d+)(?:\.(\d{1,9}))?s\Z")
MAX_LABELS = 64
MAX_ALIASES = 50
MAX_ANNOTATION_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class SecretChange:
    """The fields to set; one that is not in `fields` stays as it is."""

    fields: frozenset[str]
    replicas: tuple[str, ...] | None = None
    labels: Mapping[str, str] | None = None
    annotations: Mapping[str, str] | None = None
    aliases: Mapping[str, int] | None = None
    expires: datetime | None = None
    ttl: timedelta | None = None

    def apply(self, secret: Secret, now: datetime) -> Secret:
        """The secret with the change made, or a refusal of what does not fit it."""
        if "replication" in self.fields:
            secret = replace(secret, replicas=self.replicas)
        if "labels" in self.fields:
            secret = replace(secret, labels=self.labels or {})
        if "annotations" in self.fields:
            secret = replace(secret, annotations=self.annotations or {})
        if "versionAliases" in self.fields:
            secret = replace(secret, aliases=_existing(self.aliases or {}, secret))
        if self.fields & {"expireTime", "ttl"}:
            secret = replace(secret, expires=self._expiry(now))
        return secret

    def _expiry(self, now: datetime) -> datetime | None:
        expires = self.expires if self.ttl is None else now + self.ttl
        if expires is not None and expires <= now:
            raise invalid("The secret's expiration must be in the future.")
        return expires


def for_create(body: Mapping[str, object]) -> SecretChange:
    """A create request names its replication and may set everything else."""
    fields = frozenset(_settable(body))
    if "replication" not in fields:
        raise invalid("The secret's replication must be set: automatic or userManaged.")
    return _read(body, fields)


def for_patch(body: Mapping[str, object], mask: str) -> SecretChange:
    """A patch changes exactly what its update mask names; a named but absent field is cleared."""
    wanted = [_camel(path.strip()) for path in mask.split(",") if path.strip()]
    if not wanted:
        raise invalid("The update mask must be set.")
    _settable(body)
    for path in wanted:
        if path in UNSUPPORTED:
            raise unsupported(f"Secret.{path}")
        if path not in READERS:
            raise invalid(f"The update mask names '{path}', which cannot be updated.")
    if "replication" in wanted:
        raise invalid("The secret's replication cannot be updated.")
    return _read(body, frozenset(wanted))


def _settable(body: Mapping[str, object]) -> Collection[str]:
    fields = []
    for field, value in body.items():
        if field in UNSUPPORTED:
            if value:
                raise unsupported(f"Secret.{field}")
        elif field in READERS:
            fields.append(field)
        elif field not in OUTPUT_ONLY:
            raise invalid(
                f"Invalid JSON payload received. Unknown name \"{field}\" at 'secret': "
                f"Cannot find field."
            )
    return fields


def _read(body: Mapping[str, object], fields: frozenset[str]) -> SecretChange:
    change = SecretChange(fields)
    if {"ttl", "expireTime"} <= {field for field in fields if body.get(field)}:
        raise invalid("Only one of expireTime and ttl can be set.")
    for field in fields:
        if body.get(field) is not None:
            change = READERS[field](change, body[field])
    return change


def _replication(change: SecretChange, value: object) -> SecretChange:
    if not isinstance(value, dict) or len(value) != 1:
        raise invalid("The secret's replication must be either automatic or userManaged.")
    kind, details = next(iter(value.items()))
    if not isinstance(details, dict):
        raise invalid(f"The secret's replication.{kind} must be an object.")
    if kind == "automatic":
        if details:
            raise unsupported(f"Secret.replication.automatic.{next(iter(details))}")
        return replace(change, replicas=None)
    if kind == "userManaged":
        return replace(change, replicas=_locations(details.get("replicas")))
    raise invalid(f"Invalid JSON payload received. Unknown name \"{kind}\" at 'secret.replication'")


def _locations(replicas: object) -> tuple[str, ...]:
    if not isinstance(replicas, list) or not replicas:
        raise invalid("userManaged replication needs at least one replica.")
    locations = []
    for replica in replicas:
        if not isinstance(replica, dict) or not isinstance(replica.get("location"), str):
            raise invalid("Every replica needs a location.")
        if set(replica) - {"location"}:
            raise unsupported("Secret.replication.userManaged.replicas.customerManagedEncryption")
        locations.append(replica["location"])
    return tuple(locations)


def _labels(change: SecretChange, value: object) -> SecretChange:
    labels = _texts("labels", value)
    if len(labels) > MAX_LABELS:
        raise invalid(f"A secret can have at most {MAX_LABELS} labels.")
    for key, text in labels.items():
        if not LABEL_KEY.match(key) or not LABEL_VALUE.match(text):
            raise invalid(
                f"The label '{key}' is not valid: keys start with a lower-case letter; keys and "
                f"values have at most 63 lower-case letters, digits, underscores and hyphens."
            )
    return replace(change, labels=labels)


def _annotations(change: SecretChange, value: object) -> SecretChange:
    annotations = _texts("annotations", value)
    size = sum(len(key.encode()) + len(text.encode()) for key, text in annotations.items())
    if size > MAX_ANNOTATION_BYTES:
        raise invalid("The total size of annotations must be less than 16 KiB.")
    return replace(change, annotations=annotations)


def _aliases(change: SecretChange, value: object) -> SecretChange:
    aliases = _texts("versionAliases", value)
    if len(aliases) > MAX_ALIASES:
        raise invalid(f"A secret can have at most {MAX_ALIASES} version aliases.")
    for alias, number in aliases.items():
        if not ALIAS.match(alias) or alias in {"latest", "NEW"} or not number.isdecimal():
            raise invalid(f"'{alias}' is not a valid alias of a version number.")
    return replace(change, aliases={alias: int(number) for alias, number in aliases.items()})


def _existing(aliases: Mapping[str, int], secret: Secret) -> Mapping[str, int]:
    for alias, number in aliases.items():
        if number not in secret.versions:
            raise invalid(f"The alias '{alias}' names version {number}, which does not exist.")
    return aliases


def _expire_time(change: SecretChange, value: object) -> SecretChange:
    try:
        expires = datetime.fromisoformat(str(value))
    except ValueError:
        raise invalid("Secret.expireTime is not an RFC 3339 timestamp.") from None
    if expires.tzinfo is None:
        raise invalid("Secret.expireTime needs a time zone, like 2030-01-01T00:00:00Z.")
    return replace(change, expires=expires)


def _ttl(change: SecretChange, value: object) -> SecretChange:
    match = DURATION.match(str(value))
    if match is None:
        raise invalid("Secret.ttl is not a duration like 3600s.")
    nanos = int((match[2] or "0").ljust(9, "0"))
    return replace(change, ttl=timedelta(seconds=int(match[1]), microseconds=nanos // 1000))


def _texts(field: str, value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise invalid(f"Invalid value at 'secret.{field}': it must be an object.")
    for item in value.values():
        if isinstance(item, dict | list | bool) or item is None:
            raise invalid(f"Invalid value at 'secret.{field}': its values must be strings.")
    return {str(key): str(item) for key, item in value.items()}


def _camel(path: str) -> str:
    head, *rest = path.split("_")
    return head + "".join(part.capitalize() for part in rest)


READERS: Mapping[str, Callable[[SecretChange, object], SecretChange]] = {
    "replication": _replication,
    "labels": _labels,
    "annotations": _annotations,
    "versionAliases": _aliases,
    "expireTime": _expire_time,
    "ttl": _ttl,
}
