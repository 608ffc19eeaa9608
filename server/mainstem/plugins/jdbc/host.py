"""`host.docker.internal` in connection addresses, where the name does not resolve by itself."""

import socket
from functools import cache
from typing import Final

_NAME: Final = "host.docker.internal"


@cache
def reachable_host(host: str) -> str:
    """The host to connect to; the container-only name means this machine."""
    if host != _NAME:
        return host
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return "127.0.0.1"
    return host
