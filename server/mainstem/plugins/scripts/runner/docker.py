"""Commands in Docker containers, through the daemon's API."""

import contextlib
import io
import tarfile
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field

from mainstem.sdk.context import PluginSettings, RunContext, TaskFailed, TaskKilled
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Properties
from mainstem.sdk.runner import Command, CommandResult, TaskRunner

_HOST: Final = "host.docker.internal:host-gateway"
_LABEL: Final = "mainstem.task-run"
_STOP_SECONDS: Final = 5


class Credentials(Properties):
    """How to log in to the image's registry."""

    registry: Text | None = None
    username: Text | None = None
    password: Text | None = None
    registry_token: Text | None = None
    identity_token: Text | None = None
    auth: Text | None = None


class Cpu(Properties):
    cpus: Property[float] | None = None


class Memory(Properties):
    memory: Property[Text] | None = None
    memory_swap: Property[Text] | None = None
    memory_reservation: Property[Text] | None = None
    kernel_memory: Property[Text] | None = None
    memory_swappiness: Property[Text] | None = None
    oom_kill_disable: Property[bool] | None = None


class Docker(TaskRunner):
    """Run commands in a container of the task's image.

    The working directory is copied in and out under the path that it has outside, so that
    `{{ workingDir }}` holds in both places and any daemon will do, a remote one included.
    `host.docker.internal` always reaches the daemon's host.
    """

    TYPE = "io.kestra.plugin.scripts.runner.docker.Docker"
    ALIASES = ("io.kestra.plugin.docker.runner.Docker",)

    host: Text | None = None
    config: object = None
    credentials: Credentials | None = None
    image: Text | None = None
    user: Property[Text] | None = None
    entry_point: Property[list[Text]] | None = None
    extra_hosts: Property[list[Text]] | None = None
    network_mode: Property[Text] | None = None
    port_bindings: Property[list[Text]] | None = None
    volumes: Property[list[Text]] | None = None
    pull_policy: Property[Literal["IF_NOT_PRESENT", "ALWAYS", "NEVER"]] = Property(
        "IF_NOT_PRESENT", str
    )
    cpu: Cpu | None = None
    memory: Memory | None = None
    shm_size: Property[Text] | None = None
    privileged: Property[bool] | None = None
    file_handling_strategy: Property[Literal["VOLUME", "MOUNT"]] = Property("VOLUME", str)
    delete: Property[bool] = Property(True, bool)
    kill_grace_period: object = Field(default=None, description="As an ISO duration.")
    wait: Property[bool] = Property(True, bool)
    resume: Property[bool] = Property(True, bool)

    @classmethod
    def unavailable(cls, settings: PluginSettings) -> str | None:
        return _unavailable(settings.docker_host)

    def run(self, ctx: RunContext, command: Command) -> CommandResult:
        """Create, fill, start, follow, copy back, remove; removal happens on every way out."""
        import docker
        from docker.errors import DockerException

        client = _client(self.host or ctx.settings.docker_host)
        try:
            image = ctx.render_text(self.image) if self.image else (command.image or "busybox")
            self._pull(ctx, client, image)
            container = self._create(ctx, client, image, command)
        except docker.errors.ImageNotFound as error:
            raise TaskFailed(
                f"there is no container image `{image}`: {error.explanation}"
            ) from error
        except DockerException as error:
            raise TaskFailed(f"Docker refused the container: {_explain(error)}") from error
        try:
            return self._follow(ctx, container, command)
        except DockerException as error:
            raise TaskFailed(f"Docker failed: {_explain(error)}") from error
        finally:
            if ctx.render(self.delete):
                with contextlib.suppress(DockerException):
                    container.remove(force=True, v=True)
            client.close()

    def _pull(self, ctx: RunContext, client: Any, image: str) -> None:
        from docker.errors import ImageNotFound

        policy = ctx.render(self.pull_policy)
        if policy == "NEVER":
            return
        if policy == "IF_NOT_PRESENT":
            try:
                client.images.get(image)
            except ImageNotFound:
                pass
            else:
                return
        ctx.log.debug(f"pulling {image}")
        client.images.pull(image, auth_config=self._login(ctx))

    def _login(self, ctx: RunContext) -> dict[str, str] | None:
        given = self.credentials
        if given is None or given.username is None:
            return None
        password = ctx.render_text(given.password or "")
        ctx.mask(password)
        return {"username": ctx.render_text(given.username), "password": password}

    def _create(self, ctx: RunContext, client: Any, image: str, command: Command) -> Any:
        network = ctx.render(self.network_mode) if self.network_mode is not None else None
        hosts = ctx.render(self.extra_hosts) if self.extra_hosts is not None else []
        options: dict[str, Any] = {
            "image": image,
            "command": list(command.argv),
            "working_dir": str(command.workdir),
            "environment": dict(command.env),
            "labels": {_LABEL: ctx.task_run_id, "mainstem.execution": ctx.execution_id},
            "extra_hosts": _hosts(hosts, network),
            "network_mode": network or ctx.settings.docker_network,
            **self._limits(ctx),
        }
        if self.entry_point is not None:
            options["entrypoint"] = ctx.render(self.entry_point)
        if self.user is not None:
            options["user"] = ctx.render(self.user)
        options["volumes"] = self._volumes(ctx, command)
        container = client.containers.create(**{k: v for k, v in options.items() if v is not None})
        if ctx.render(self.file_handling_strategy) == "VOLUME":
            container.put_archive("/", _pack(command.workdir))
        return container

    def _volumes(self, ctx: RunContext, command: Command) -> list[str]:
        given = ctx.render(self.volumes) if self.volumes is not None else []
        if ctx.render(self.file_handling_strategy) == "MOUNT":
            return [*given, f"{command.workdir}:{command.workdir}"]
        return list(given)

    def _limits(self, ctx: RunContext) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if self.cpu is not None and self.cpu.cpus is not None:
            found["nano_cpus"] = int(ctx.render(self.cpu.cpus) * 1e9)
        if self.memory is not None:
            names = {
                "mem_limit": self.memory.memory,
                "memswap_limit": self.memory.memory_swap,
                "mem_reservation": self.memory.memory_reservation,
                "mem_swappiness": self.memory.memory_swappiness,
            }
            found |= {n: ctx.render(p).lower() for n, p in names.items() if p is not None}
        if self.shm_size is not None:
            found["shm_size"] = ctx.render(self.shm_size)
        if self.privileged is not None:
            found["privileged"] = ctx.render(self.privileged)
        return found

    def _follow(self, ctx: RunContext, container: Any, command: Command) -> CommandResult:
        # Attached before the start, so that not even an unfinished last line is missed.
        stream = container.attach(stdout=True, stderr=True, stream=True, logs=True, demux=True)
        container.start()
        ctx.on_kill(lambda: _stop(container))
        reader = threading.Thread(target=_lines, args=(stream, command), daemon=True)
        reader.start()
        status = container.wait()
        reader.join()
        if ctx.is_killed:
            raise TaskKilled
        container.reload()
        if container.attrs["State"].get("OOMKilled"):
            raise TaskFailed("the container ran out of memory (see `memory` of the task runner)")
        if ctx.render(self.file_handling_strategy) == "VOLUME" and command.outputs:
            _unpack(container, command.workdir)
        return CommandResult(int(status["StatusCode"]))


def _client(host: str | None) -> Any:
    import docker

    return docker.DockerClient(base_url=host) if host else docker.from_env()


@lru_cache(maxsize=4)
def _unavailable(host: str | None) -> str | None:
    try:
        with contextlib.closing(_client(host)) as client:
            client.ping()
    except Exception as error:
        return f"no Docker daemon answers ({_explain(error)})"
    return None


def _explain(error: Exception) -> str:
    text = str(getattr(error, "explanation", None) or error)
    return text if len(text) < 300 else f"{text[:300]}…"


def _hosts(given: list[str], network: str | None) -> dict[str, str] | None:
    """`host.docker.internal` on every network but the host's own, where it is this machine."""
    pairs = [item.partition(":")[::2] for item in given]
    name, _, address = _HOST.partition(":")
    found = {name: "127.0.0.1" if network == "host" else address}
    found.update(pairs)
    return found


def _lines(stream: Any, command: Command) -> None:
    """Tell each line of (standard output, standard error) as it is complete."""
    rest = {False: b"", True: b""}
    with contextlib.closing(stream):
        for pair in stream:
            for is_error, chunk in zip((False, True), pair, strict=True):
                *whole, rest[is_error] = (rest[is_error] + (chunk or b"")).split(b"\n")
                for raw in whole:
                    _tell(command, raw, is_error)
    for is_error, raw in rest.items():
        if raw:
            _tell(command, raw, is_error)


def _tell(command: Command, raw: bytes, is_error: bool) -> None:
    if command.on_line is not None:
        command.on_line(raw.decode("utf-8", "replace").rstrip("\r"), is_error)


def _stop(container: Any) -> None:
    with contextlib.suppress(Exception):
        container.stop(timeout=_STOP_SECONDS)


def _pack(folder: Path) -> bytes:
    """The working directory as a tar that unpacks to the same path, writable by any user."""
    buffer = io.BytesIO()

    def everyone(info: tarfile.TarInfo) -> tarfile.TarInfo:
        info.mode |= 0o777 if info.isdir() else 0o666
        return info

    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(folder, arcname=str(folder).lstrip("/"), filter=everyone)
    return buffer.getvalue()


def _unpack(container: Any, folder: Path) -> None:
    """Copy the working directory back; members that would leave it are refused."""
    stream, _ = container.get_archive(str(folder))
    with io.BytesIO(b"".join(stream)) as buffer, tarfile.open(fileobj=buffer) as archive:
        prefix = f"{folder.name}/"
        for member in archive.getmembers():
            if member.name.startswith(prefix):
                member.name = member.name.removeprefix(prefix)
                archive.extract(member, folder, filter="data")
