"""Calls of GitHub, GitLab, Bitbucket and Gitea: proving them and reading what they say (pure)."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl

from mainstem.errors import Denied, InvalidInput

LARGEST: Final = 25_000_000
NOT_PROVEN: Final = (
    "the call is not proven: it needs the signature or token of GitHub, GitLab, Bitbucket or "
    "Gitea, made with the webhook secret of this source"
)
_PINGS: Final = frozenset({"ping", "diagnostics:ping", "test"})
_PUSHES: Final = frozenset({"push", "push hook", "tag push hook", "repo:push", "repo:refs_changed"})


@dataclass(frozen=True, slots=True)
class Delivery:
    """A proven call: which refs it says were pushed, and keys by which a repetition is known."""

    forge: str
    event: str
    refs: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ()

    @property
    def is_ping(self) -> bool:
        return self.event in _PINGS

    @property
    def is_push(self) -> bool:
        return self.event in _PUSHES


def read_delivery(headers: Mapping[str, str], body: bytes, secret: str) -> Delivery:
    """Check the signature or token over the raw body, then read it.

    Header names are in lower case. Raises Denied for a call that is not proven, InvalidInput for
    one that is and makes no sense.
    """
    forge = _forge(headers)
    if forge is None:
        raise Denied(NOT_PROVEN)
    if not _is_proven(forge, headers, body, secret):
        raise Denied(NOT_PROVEN)
    event = headers.get(_EVENT[forge], "").lower()
    delivery = Delivery(forge, event)
    if not delivery.is_push:
        return delivery
    digest = hashlib.sha256(body).hexdigest()
    # The delivery's id is not signed: a replay with a fresh id is known by its body.
    keys = [f"body:{digest}"]
    given = headers.get(_DELIVERY[forge], "")
    if given:
        keys.append(f"id:{hashlib.sha256(given.encode()).hexdigest()}")
    return Delivery(forge, event, _refs(forge, _parsed(headers, body)), tuple(keys))


_EVENT: Final = {
    "github": "x-github-event",
    "gitlab": "x-gitlab-event",
    "bitbucket": "x-event-key",
    "gitea": "x-gitea-event",
}
_DELIVERY: Final = {
    "github": "x-github-delivery",
    "gitlab": "x-gitlab-event-uuid",
    "bitbucket": "x-request-uuid",
    "gitea": "x-gitea-delivery",
}


def _forge(headers: Mapping[str, str]) -> str | None:
    # Gitea also sends the headers of GitHub.
    for forge in ("gitea", "gitlab", "bitbucket", "github"):
        if _EVENT[forge] in headers:
            return forge
    return None


def _is_proven(forge: str, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
    if forge == "gitlab":
        given = headers.get("x-gitlab-token", "")
        return bool(given) and hmac.compare_digest(given.encode(), secret.encode())
    wanted = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    name = {"gitea": "x-gitea-signature", "bitbucket": "x-hub-signature"}
    given = headers.get(name.get(forge, "x-hub-signature-256"), "").removeprefix("sha256=")
    return hmac.compare_digest(given.encode(), wanted.encode())


def _parsed(headers: Mapping[str, str], body: bytes) -> Mapping[str, Any]:
    text = body.decode("utf-8", "replace")
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        text = dict(parse_qsl(text)).get("payload", "")
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("the call's body is not JSON") from error
    if not isinstance(parsed, dict):
        raise InvalidInput("the call's body is not a JSON map")
    return parsed


def _refs(forge: str, body: Mapping[str, Any]) -> frozenset[str]:
    if forge != "bitbucket":
        ref = body.get("ref")
        return frozenset({ref}) if isinstance(ref, str) else frozenset()
    found = set()
    push = body.get("push")
    changes = push.get("changes") if isinstance(push, dict) else body.get("changes")
    for change in changes if isinstance(changes, list) else []:
        new = change.get("new") if isinstance(change, dict) else None
        if isinstance(new, dict) and isinstance(new.get("name"), str):
            kind = "tags" if new.get("type") in ("tag", "annotated_tag") else "heads"
            found.add(f"refs/{kind}/{new['name']}")
        ref = change.get("ref") if isinstance(change, dict) else None
        if isinstance(ref, dict) and isinstance(ref.get("id"), str):
            found.add(ref["id"])
    return frozenset(found)
