"""Which web addresses a task may ask: not those that would hand out the server's own identity."""

import socket
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from mainstem.errors import InvalidInput

_METADATA: Final = frozenset({"169.254.169.254", "fd00:ec2::254"})
_METADATA_NAMES: Final = frozenset({"metadata.google.internal", "metadata"})


def check_uri(uri: str) -> str:
    """Raises InvalidInput unless it is an http or https address that may be asked."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidInput(f"`{uri}` is not an http or https address")
    check_host(parts.hostname)
    return uri


def check_host(host: str) -> None:
    """Refuse the cloud's metadata service, which would hand out the server's own credentials."""
    if host.lower().rstrip(".") in _METADATA_NAMES or host in _METADATA:
        raise InvalidInput(f"`{host}` is the metadata service of the cloud and may not be asked")
    try:
        ip_address(host)
    except ValueError:
        try:
            found = {info[4][0] for info in socket.getaddrinfo(host, None)}
        except OSError:
            return
        if found & _METADATA:
            raise InvalidInput(f"`{host}` leads to the cloud's metadata service") from None
