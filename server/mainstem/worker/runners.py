"""Which task runner a command gets when the task names none, or one that is not there."""

from typing import Final, Protocol

from mainstem.model.log import Level
from mainstem.sdk.context import PluginSettings, TaskFailed
from mainstem.sdk.registry import Registry
from mainstem.sdk.runner import TaskRunner

PROCESS: Final = "io.kestra.plugin.core.runner.Process"
DOCKER: Final = "io.kestra.plugin.scripts.runner.docker.Docker"


class _Log(Protocol):
    def log(self, level: Level, message: str) -> None: ...


class _Services(Protocol):
    @property
    def registry(self) -> Registry: ...
    @property
    def plugin_settings(self) -> PluginSettings: ...


def choose_runner(wanted: TaskRunner | None, services: _Services, log: _Log) -> TaskRunner:
    """The wanted runner, or the server's default; the log says when it was not named.

    Raises TaskFailed when the wanted one cannot run here and no fallback is set.
    """
    registry, settings = services.registry, services.plugin_settings
    if wanted is None:
        return _default(registry, settings, log)
    reason = wanted.unavailable(settings)
    if reason is None:
        return wanted
    if settings.docker_fallback == "process" and registry.canonical(wanted.type) == DOCKER:
        log.log(Level.WARN, f"{reason}; running as a process (runners.docker.fallback)")
        return _build(registry, PROCESS)
    raise TaskFailed(
        f"the task runner {wanted.type} cannot run here: {reason}. Start a Docker daemon, choose "
        f"`taskRunner: {{type: {PROCESS}}}`, or set `runners.docker.fallback: process`"
    )


def _default(registry: Registry, settings: PluginSettings, log: _Log) -> TaskRunner:
    if settings.default_runner != "process":
        docker = _build(registry, DOCKER)
        reason = docker.unavailable(settings)
        if reason is None:
            log.log(Level.DEBUG, "no task runner named: running in Docker")
            return docker
        if settings.default_runner == "docker" and settings.docker_fallback != "process":
            raise TaskFailed(f"the default task runner is Docker, but {reason}")
        log.log(Level.DEBUG, f"no task runner named: running as a process ({reason})")
    return _build(registry, PROCESS)


def _build(registry: Registry, type_name: str) -> TaskRunner:
    return registry.build(TaskRunner, {"type": type_name}, None)  # type: ignore[type-abstract]
