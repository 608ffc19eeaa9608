"""Which two ports to use, the same ones after every restart where they are still free."""

import json
import random
import socket
from dataclasses import asdict, dataclass

from mainstem.errors import Conflict, InvalidInput
from mainstem.localgcp.state import StateFolder, replace_file

# Below the range that the kernel hands to outgoing connections, so that a remembered port is
# not taken by a passing client while we are stopped.
FIRST_PORT = 21000
LAST_PORT = 28999
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """`services` answers BigQuery, Secret Manager, tokens and the console; `storage` is GCS."""

    services: int
    storage: int


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The base URL of every service, as client libraries take them."""

    storage: str
    bigquery: str
    secretmanager: str
    token: str
    console: str

    @classmethod
    def of(cls, ports: Ports) -> "Endpoints":
        services = f"http://{LOOPBACK}:{ports.services}"
        return cls(
            storage=f"http://{LOOPBACK}:{ports.storage}",
            bigquery=services,
            secretmanager=services,
            token=f"{services}/token",
            console=f"{services}/console",
        )


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def remembered(state: StateFolder) -> Ports | None:
    """The ports of the last start, or None for a new folder."""
    try:
        content = json.loads(state.ports_file.read_text())
        return Ports(services=int(content["services"]), storage=int(content["storage"]))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise InvalidInput(
            f"{state.ports_file} is not readable as ports; delete it to have new ports chosen."
        ) from None


def remember(state: StateFolder, ports: Ports) -> None:
    replace_file(state.ports_file, json.dumps(asdict(ports)).encode(), mode=0o644)


def choose(state: StateFolder, base: int | None) -> Ports:
    """Fixed ports if asked for, else the remembered ones where free, else new ones."""
    if base is not None:
        return _fixed(base)
    last = remembered(state)
    if last is None:
        return _fresh_pair()
    return Ports(
        services=last.services if is_free(last.services) else _fresh(),
        storage=last.storage if is_free(last.storage) else _fresh(),
    )


def chosen_or_new(state: StateFolder) -> Ports:
    """The ports a key file may name before the first start; remembered from here on."""
    ports = remembered(state)
    if ports is None:
        ports = _fresh_pair()
        remember(state, ports)
    return ports


def _fixed(base: int) -> Ports:
    if not 1 <= base < 65535:
        raise InvalidInput(f"--port-base {base} is not a port; give one between 1 and 65534.")
    for port in (base, base + 1):
        if not is_free(port):
            raise Conflict(
                f"Port {port} on {LOOPBACK} is taken by another program. "
                f"Stop it, or choose another --port-base (it and the next one are used)."
            )
    return Ports(services=base, storage=base + 1)


def _fresh_pair() -> Ports:
    services = _fresh()
    return Ports(services=services, storage=_fresh(besides=services))


def _fresh(besides: int | None = None) -> int:
    candidates = range(FIRST_PORT, LAST_PORT + 1)
    for port in random.SystemRandom().sample(candidates, 200):
        if port != besides and is_free(port):
            return port
    raise Conflict(f"No free port between {FIRST_PORT} and {LAST_PORT}; give --port-base.")
