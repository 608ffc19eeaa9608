"""Which web addresses a task may ask: not those that would hand out the server's own identity."""

import socket
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final
from urllib.parse import urlsplit

from mainstem.errors import Denied, InvalidInput

#: Link-local addresses, where clouds put their metadata, and those of others elsewhere.
_METADATA: Final = tuple(
    map(
        ip_network,
        ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/64", "100.100.100.200/32", "168.63.129.16/32"),
    )
)
_METADATA_NAMES: Final = frozenset({"metadata.google.internal", "metadata"})
#: Prefixes whose addresses carry one of the older kind in their last 32 bits.
_CARRYING: Final = tuple(
    map(ip_network, ("::ffff:0:0/96", "::ffff:0:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48"))
)
#: 6to4 has the older address behind its first 16 bits.
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")


def check_uri(uri: str) -> str:
    """Raises InvalidInput unless it is an http or https address, Denied when it is not asked."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput(f"`{uri}` is not an http or https address")
    check_host(parts.hostname)
    return uri


def check_host(host: str) -> None:
    """Refuse the cloud's metadata service, which would hand out the server's own credentials."""
    if host.lower().rstrip(".") in _METADATA_NAMES or _is_metadata(host):
        raise Denied(f"`{host}` is the metadata service of the cloud and may not be asked")
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return
    if any(map(_is_metadata, found)):
        raise Denied(f"`{host}` leads to the metadata service of the cloud and may not be asked")


def hooks() -> dict[str, list[Any]]:
    """For an HTTP client: looks at each request, and at who answers it.

    A name may lead elsewhere when it is looked up for the connection.
    """
    return {
        "request": [lambda request: check_host(request.url.host)],
        "response": [lambda answer: _check_peer(answer.extensions)],
    }


def _check_peer(extensions: Mapping[str, Any]) -> None:
    stream = extensions.get("network_stream")
    peer = stream.get_extra_info("server_addr") if stream is not None else None
    if isinstance(peer, tuple) and _is_metadata(str(peer[0])):
        raise Denied(f"`{peer[0]}` is the metadata service of the cloud and may not be asked")


def _is_metadata(host: str) -> bool:
    try:
        address = ip_address(host.partition("%")[0].strip("[]"))
    except ValueError:
        return False
    return any(_plain(address) in network for network in _METADATA)


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if any(address in network for network in _CARRYING):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFF_FFFF)
    return address
