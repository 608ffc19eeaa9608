"""The Docker daemon: how to reach it, and which of its networks this server itself is in."""

import contextlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

_OWN_ID: Final = re.compile(r"/(?:containers|overlay-containers)/([0-9a-f]{64})/")
_MOUNTS: Final = Path("/proc/self/mountinfo")
# Not networks that a container can join beside another one.
_BUILT_IN: Final = frozenset({"bridge", "host", "none", "default"})


def connect(host: str | None) -> Any:
    """A client of the daemon at `host`, else of the one that the environment names."""
    import docker

    return docker.DockerClient(base_url=host) if host else docker.from_env()


@lru_cache(maxsize=4)
def unavailable(host: str | None) -> str | None:
    """Why no container can run here, or None when the daemon answers."""
    try:
        with contextlib.closing(connect(host)) as client:
            client.ping()
    except Exception as error:
        return f"no Docker daemon answers ({explain(error)})"
    return None


def explain(error: Exception) -> str:
    """The daemon's own words, cut to what a log line can hold."""
    text = str(getattr(error, "explanation", None) or error)
    return text if len(text) < 300 else f"{text[:300]}…"


@lru_cache(maxsize=1)
def own_container_id() -> str | None:
    """The id of the container that this process is in, as the kernel's mount table tells."""
    try:
        match = _OWN_ID.search(_MOUNTS.read_text())
    except OSError:
        return None
    return match[1] if match else None


def own_container(client: Any) -> Any | None:
    """This process's container; None outside of one, or when the daemon does not know it."""
    from docker.errors import DockerException

    own_id = own_container_id()
    if own_id is None:
        return None
    try:
        return client.containers.get(own_id)
    except DockerException:
        return None


def joined_networks(container: Any | None) -> list[str]:
    """Networks of `container` on which names resolve, in the order of their names."""
    if container is None:
        return []
    networks = container.attrs["NetworkSettings"]["Networks"]
    return sorted(name for name in networks if name not in _BUILT_IN)


def path_on_host(container: Any | None, path: Path) -> Path | None:
    """Where the daemon's host has `path` of this process; None when it has it nowhere."""
    if container is None:
        return path
    for mount in sorted(container.attrs["Mounts"], key=lambda m: -len(m["Destination"])):
        inside = Path(mount["Destination"])
        if mount.get("Source") and path.is_relative_to(inside):
            return Path(mount["Source"]) / path.relative_to(inside)
    return None
