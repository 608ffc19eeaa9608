"""Where the credentials of a source are sent, so that they follow nobody elsewhere (pure)."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from mainstem.errors import InvalidInput
from mainstem.gitsync.address import check_url

#: What never leaves the server.
_STAYS: Final = frozenset({"webhook_secret"})


def check_destinations(
    old: Mapping[str, Any], new: Mapping[str, Any], inherited: frozenset[str]
) -> None:
    """Raises InvalidInput when secrets that a definition leaves out would be sent elsewhere.

    They are never given back: who may change a source would otherwise read them at an address
    of their own.
    """
    sent = sorted(inherited - _STAYS)
    added = sorted(_destinations(new) - _destinations(old))
    if sent and added:
        names = ", ".join(f"`{name}`" for name in sent)
        raise InvalidInput(
            f"Git source: {names} was not given for {added[0]}: write it again for the new "
            "address, or null to remove it"
        )


def _destinations(definition: Mapping[str, Any]) -> set[str]:
    found = {_host(str(definition.get("url") or ""))}
    for name in ("github_app", "status"):
        section = definition.get(name)
        if isinstance(section, Mapping):
            # An address that is left out belongs to the kind of forge.
            place = section.get("api_url")
            found.add(_host(str(place)) if place else f"the API of {section.get('kind', 'github')}")
    return found - {""}


def _host(url: str) -> str:
    try:
        address = check_url(url, allow_file=True)
    except InvalidInput:
        return url
    if address.scheme == "file":
        return ""
    return urlsplit(url).netloc.rpartition("@")[2].lower() if "://" in url else address.host.lower()
