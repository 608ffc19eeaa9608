"""Commands in Docker containers, through the daemon's API."""

import contextlib
import threading
from datetime import timedelta
from typing import Any, Final, Literal

from mainstem.plugins.scripts.runner.docker_daemon import (
    connect,
    explain,
    joined_networks,
    own_container,
    path_on_host,
    unavailable,
)
from mainstem.plugins.scripts.runner.docker_files import copy_back, packed
from mainstem.plugins.scripts.runner.docker_options import (
    Cpu,
    Credentials,
    DeviceRequest,
    Memory,
    devices,
    hosts,
    limits,
    login,
    ports,
    size,
)
from mainstem.sdk.context import PluginSettings, RunContext, TaskFailed, TaskKilled
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.lines import Lines
from mainstem.sdk.runner import Command, CommandResult, TaskRunner

_RUN_LABEL: Final = "mainstem.task-run"
_EXECUTION_LABEL: Final = "mainstem.execution"
_ATTEMPT_LABEL: Final = "mainstem.attempt"
_STOP_SECONDS: Final = 5


class Docker(TaskRunner):
    """Run commands in a container of the task's image.

    The working directory is copied in and out under the path that it has outside, so that
    `{{ workingDir }}` holds in both places and any daemon will do, a remote one included.
    `host.docker.internal` always reaches the daemon's host. When the server itself runs in a
    container, the task's container joins the same networks, so that the names of a Compose file
    resolve.
    """

    TYPE = "io.kestra.plugin.scripts.runner.docker.Docker"
    ALIASES = ("io.kestra.plugin.docker.runner.Docker",)

    host: Text | None = None
    config: object = None
    credentials: Credentials | None = None
    image: Text | None = None
    user: Property[Text] | None = None
    entry_point: Property[list[Text]] = Property([""], list[str])
    extra_hosts: Property[list[Text]] | None = None
    network_mode: Property[Text] | None = None
    port_bindings: Property[list[Text]] | None = None
    volumes: Property[list[Text]] | None = None
    pull_policy: Property[Literal["IF_NOT_PRESENT", "ALWAYS", "NEVER"]] = Property(
        "IF_NOT_PRESENT", str
    )
    device_requests: list[DeviceRequest] | None = None
    cpu: Cpu | None = None
    memory: Memory | None = None
    shm_size: Property[Text] | None = None
    privileged: Property[bool] | None = None
    file_handling_strategy: Property[Literal["VOLUME", "MOUNT"]] = Property("VOLUME", str)
    delete: Property[bool] = Property(True, bool)
    kill_grace_period: Property[timedelta] | None = None
    wait: Property[bool] = Property(True, bool)
    resume: Property[bool] = Property(True, bool)

    @classmethod
    def unavailable(cls, settings: PluginSettings) -> str | None:
        return unavailable(settings.docker_host)

    def run(self, ctx: RunContext, command: Command) -> CommandResult:
        """Create, fill, start, follow, copy back, remove; removal happens on every way out."""
        from docker.errors import DockerException, ImageNotFound

        image = ctx.render_text(self.image) if self.image else (command.image or "busybox")
        with contextlib.closing(self._connect(ctx)) as client:
            made: list[Any] = []
            try:
                _sweep(client, ctx)
                self._pull(ctx, client, image)
                self._create(ctx, client, image, command, made)
                return self._follow(ctx, made[0], command)
            except ImageNotFound as error:
                raise TaskFailed(
                    f"there is no container image `{image}`: {error.explanation}"
                ) from error
            except DockerException as error:
                raise TaskFailed(f"Docker refused: {explain(error)}") from error
            finally:
                if made and (ctx.is_killed or not self._stays(ctx)):
                    with contextlib.suppress(DockerException):
                        made[0].remove(force=True, v=True)

    def _stays(self, ctx: RunContext) -> bool:
        """Whether the container outlives the attempt, because the task says so."""
        return not (ctx.render(self.delete) and ctx.render(self.wait))

    def _connect(self, ctx: RunContext) -> Any:
        from docker.errors import DockerException

        try:
            return connect(ctx.render_text(self.host) if self.host else ctx.settings.docker_host)
        except DockerException as error:
            raise TaskFailed(f"no Docker daemon answers: {explain(error)}") from error

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
        client.images.pull(image, auth_config=login(ctx, image, self.credentials, self.config))

    def _create(
        self, ctx: RunContext, client: Any, image: str, command: Command, made: list[Any]
    ) -> None:
        """Create the container in `made`, on its networks, with its files in it."""
        own = own_container(client)
        network, more_networks = self._networks(ctx, own)
        options = {
            "image": image,
            "command": list(command.argv),
            "working_dir": str(command.workdir),
            "environment": dict(command.env),
            "labels": self._labels(ctx),
            "network_mode": network,
            "extra_hosts": hosts(self._list(ctx, self.extra_hosts), network),
            **self._options(ctx),
        }
        mounted = self._mount(ctx, own, command)
        options["volumes"] = [*self._list(ctx, self.volumes), *mounted]
        container = client.containers.create(**{k: v for k, v in options.items() if v is not None})
        made.append(container)
        for name in more_networks:
            client.networks.get(name).connect(container)
        if not mounted:
            with packed(command.workdir) as archive:
                container.put_archive("/", archive)

    def _labels(self, ctx: RunContext) -> dict[str, str]:
        """By these an attempt after a crash finds what the one before it left."""
        found = {_EXECUTION_LABEL: ctx.execution_id, _ATTEMPT_LABEL: str(ctx.attempt)}
        if not self._stays(ctx):
            found[_RUN_LABEL] = ctx.task_run_id
        return found

    def _networks(self, ctx: RunContext, own: Any | None) -> tuple[str | None, list[str]]:
        """The network to create the container on, and others to join before it starts."""
        if self.network_mode is not None:
            return ctx.render(self.network_mode), []
        if ctx.settings.docker_network:
            return ctx.settings.docker_network, []
        joined = joined_networks(own)
        return (joined[0] if joined else None), joined[1:]

    def _mount(self, ctx: RunContext, own: Any | None, command: Command) -> list[str]:
        """The bind of the working directory when it is to be mounted; empty when it is copied."""
        if ctx.render(self.file_handling_strategy) != "MOUNT":
            return []
        outside = path_on_host(own, command.workdir)
        if outside is None:
            ctx.log.warn(
                "the working directory is not on a volume of the server's container, so it is "
                "copied instead of mounted"
            )
            return []
        return [f"{outside}:{command.workdir}"]

    def _options(self, ctx: RunContext) -> dict[str, Any]:
        found = limits(ctx, self.cpu, self.memory)
        # An empty list means none, which the API takes as one empty word: images of one program
        # (terraform, aws-cli) would else take the shell's command line for arguments of theirs.
        found["entrypoint"] = ctx.render(self.entry_point) or [""]
        if self.user is not None:
            found["user"] = ctx.render(self.user)
        if self.shm_size is not None:
            found["shm_size"] = size(ctx.render(self.shm_size))
        if self.privileged is not None:
            found["privileged"] = ctx.render(self.privileged)
        if self.port_bindings is not None:
            found["ports"] = ports(ctx.render(self.port_bindings))
        if self.device_requests:
            found["device_requests"] = devices(ctx, self.device_requests)
        return found

    @staticmethod
    def _list(ctx: RunContext, prop: Property[list[Text]] | None) -> list[str]:
        return list(ctx.render(prop)) if prop is not None else []

    def _follow(self, ctx: RunContext, container: Any, command: Command) -> CommandResult:
        if not ctx.render(self.wait):
            container.start()
            ctx.log.info(f"container {container.short_id} was started and is left alone")
            return CommandResult(0)
        # Attached before the start, so that not even an unfinished last line is missed.
        stream = container.attach(stdout=True, stderr=True, stream=True, logs=True, demux=True)
        container.start()
        grace = self._grace_seconds(ctx)
        ctx.on_kill(lambda: _stop(container, grace))
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
            copy_back(container, command.workdir)
        return CommandResult(int(status["StatusCode"]))

    def _grace_seconds(self, ctx: RunContext) -> int:
        if self.kill_grace_period is None:
            return _STOP_SECONDS
        return max(0, round(ctx.render(self.kill_grace_period).total_seconds()))


def _sweep(client: Any, ctx: RunContext) -> None:
    """Remove what an earlier attempt left: a server that was killed could not."""
    left = client.containers.list(
        all=True, ignore_removed=True, filters={"label": f"{_RUN_LABEL}={ctx.task_run_id}"}
    )
    for container in left:
        if container.labels.get(_ATTEMPT_LABEL) == str(ctx.attempt):
            continue
        ctx.log.debug(f"removing container {container.short_id} of an earlier attempt")
        container.remove(force=True, v=True)


def _lines(stream: Any, command: Command) -> None:
    """Tell each line of (standard output, standard error) as it is complete."""
    on_line = command.on_line or (lambda _text, _is_error: None)
    pipes = [Lines(is_error, on_line) for is_error in (False, True)]
    with contextlib.closing(stream):
        for pair in stream:
            for pipe, chunk in zip(pipes, pair, strict=True):
                if chunk:
                    pipe.take(chunk)
    for pipe in pipes:
        pipe.take(b"")


def _stop(container: Any, grace_seconds: int) -> None:
    with contextlib.suppress(Exception):
        container.stop(timeout=grace_seconds)
