"""Properties of the Docker runner, turned into what the daemon's API takes."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Properties

_HUB: Final = "https://index.docker.io/v1/"
_HOST_NAME: Final = "host.docker.internal"


class Credentials(Properties):
    """How to log in to the image's registry."""

    registry: Text | None = None
    username: Text | None = None
    password: Text | None = None
    registry_token: Text | None = None
    identity_token: Text | None = None
    auth: Text | None = None


class Cpu(Properties):
    """Limits of processor time."""

    cpus: Property[float] | None = None


class Memory(Properties):
    """Limits of memory, as 512MB or 2GB."""

    memory: Property[Text] | None = None
    memory_swap: Property[Text] | None = None
    memory_reservation: Property[Text] | None = None
    kernel_memory: Property[Text] | None = None
    memory_swappiness: Property[Text] | None = None
    oom_kill_disable: Property[bool] | None = None


class DeviceRequest(Properties):
    """Devices of the host, such as its GPUs."""

    driver: Property[Text] | None = None
    count: Property[int] | None = None
    device_ids: Property[list[Text]] | None = None
    capabilities: Property[list[list[Text]]] | None = None
    options: Property[dict[str, Text]] | None = None


def login(
    ctx: RunContext, image: str, credentials: Credentials | None, config: object
) -> dict[str, str] | None:
    """What to show the registry of `image`: the task's credentials, else its `config`."""
    if credentials is not None:
        return _given(ctx, credentials)
    return _configured(ctx, image, config) if config is not None else None


def _given(ctx: RunContext, credentials: Credentials) -> dict[str, str] | None:
    names = ("username", "password", "registry_token", "identity_token", "auth", "registry")
    found = {
        name: ctx.render_text(value)
        for name in names
        if (value := getattr(credentials, name)) is not None
    }
    for name in ("password", "registry_token", "identity_token", "auth"):
        if found.get(name):
            ctx.mask(found[name])
    if "auth" in found:
        found |= _user_of(ctx, found.pop("auth"))
    keys = {"registry_token": "registrytoken", "identity_token": "identitytoken"}
    keys["registry"] = "serveraddress"
    return {keys.get(name, name): value for name, value in found.items()} or None


def _user_of(ctx: RunContext, auth: str) -> dict[str, str]:
    try:
        user, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise TaskFailed("`auth` of the registry is not base64 of user:password") from error
    if not colon:
        raise TaskFailed("`auth` of the registry is not base64 of user:password")
    ctx.mask(password)
    return {"username": user, "password": password}


def _configured(ctx: RunContext, image: str, config: object) -> dict[str, str] | None:
    """The entry of a Docker `config.json`, given as text or as a map, for the image's registry."""
    rendered = ctx.render_value(config)
    try:
        tree = json.loads(rendered) if isinstance(rendered, str) else rendered
    except ValueError as error:
        raise TaskFailed("`config` of the Docker runner is not JSON") from error
    auths = tree.get("auths", {}) if isinstance(tree, Mapping) else {}
    registry = registry_of(image)
    for key in (registry, f"https://{registry}", *((_HUB,) if registry == "docker.io" else ())):
        entry = auths.get(key)
        if isinstance(entry, Mapping) and "auth" in entry:
            return {**_user_of(ctx, str(entry["auth"])), "serveraddress": key}
    return None


def registry_of(image: str) -> str:
    """The registry's host, by Docker's own rule: the first part, if it looks like a host."""
    first, slash, _ = image.partition("/")
    is_host = bool(slash) and ("." in first or ":" in first or first == "localhost")
    return first if is_host else "docker.io"


def limits(ctx: RunContext, cpu: Cpu | None, memory: Memory | None) -> dict[str, Any]:
    """Processor and memory limits."""
    found: dict[str, Any] = {}
    if cpu is not None and cpu.cpus is not None:
        found["nano_cpus"] = int(ctx.render(cpu.cpus) * 1e9)
    if memory is None:
        return found
    names = {
        "mem_limit": memory.memory,
        "memswap_limit": memory.memory_swap,
        "mem_reservation": memory.memory_reservation,
        "kernel_memory": memory.kernel_memory,
    }
    found |= {name: size(ctx.render(prop)) for name, prop in names.items() if prop is not None}
    if memory.memory_swappiness is not None:
        found["mem_swappiness"] = int(ctx.render(memory.memory_swappiness))
    if memory.oom_kill_disable is not None:
        found["oom_kill_disable"] = ctx.render(memory.oom_kill_disable)
    return found


def size(text: str) -> str:
    """512MB, 1.5 GB or 1073741824 in the form that the daemon's client reads."""
    folded = text.replace(" ", "").lower().removesuffix("ib").removesuffix("b")
    number = folded.rstrip("kmgt")
    try:
        amount = float(number)
    except ValueError as error:
        raise TaskFailed(f"`{text}` is not an amount of memory such as 512MB") from error
    powers = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}
    return f"{int(amount * 1024 ** powers[folded.removeprefix(number)])}b"


def hosts(given: list[str], network: str | None) -> dict[str, str] | None:
    """`host.docker.internal` on every network but the host's own, where it is this machine.

    None where the container takes over another one's network, whose names it shares.
    """
    if network is not None and network.startswith("container:"):
        return None
    found = {_HOST_NAME: "127.0.0.1" if network == "host" else "host-gateway"}
    found.update(pair for item in given if (pair := _host(item)))
    return found


def _host(text: str) -> tuple[str, str] | None:
    name, colon, address = text.partition(":")
    return (name, address) if colon else None


def ports(given: list[str]) -> dict[str, Any]:
    """`8080:80`, `127.0.0.1:8080:80/tcp` or `80` as the client's map of published ports."""
    found: dict[str, Any] = {}
    for text in given:
        *outside, inside = text.rsplit(":", 2)
        key = inside if "/" in inside else f"{inside}/tcp"
        if not outside:
            found[key] = None
        elif len(outside) == 1:
            found[key] = int(outside[0])
        else:
            found[key] = (outside[0], int(outside[1]) if outside[1] else None)
    return found


def devices(ctx: RunContext, requests: list[DeviceRequest]) -> list[Any]:
    """Device requests in the client's own type."""
    from docker.types import DeviceRequest as Wanted

    names = ("driver", "count", "device_ids", "capabilities", "options")
    return [
        Wanted(
            **{
                name: ctx.render(prop)
                for name in names
                if (prop := getattr(request, name)) is not None
            }
        )
        for request in requests
    ]
