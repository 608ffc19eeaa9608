"""What every script task shares: files in and out, environment, outputs told on stdout."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from mainstem.errors import InvalidInput
from mainstem.model.log import Level
from mainstem.model.metric import MetricKind
from mainstem.model.state import State
from mainstem.sdk.context import RunContext, TaskFailed
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.plugin import Properties
from mainstem.sdk.runner import AnyTaskRunner, Command
from mainstem.sdk.task import Outputs, RunnableTask
from mainstem.sdk.workfiles import (
    InputFiles,
    NamespaceFilesOption,
    collect_outputs,
    place_input_files,
    place_namespace_files,
)

_TOLD: Final = re.compile(r"^(?:\[[^\]]*\] *)?::(?P<body>\{.*\})::\s*$")
_TAIL: Final = 5


class DockerOptions(Properties):
    """The older way to name a container (deprecated in the language)."""

    image: Text | None = None
    entry_point: list[str] | None = None
    user: str | None = None
    network_mode: str | None = None
    extra_hosts: list[str] | None = None
    volumes: list[str] | None = None
    pull_policy: str | None = None
    config: object = None
    credentials: object = None
    host: str | None = None
    cpu: object = None
    memory: object = None
    shm_size: str | None = None
    device_requests: object = None
    privileged: bool | None = None


@dataclass(slots=True)
class Told:
    """What a script said on its output while it ran."""

    outputs: dict[str, object] = field(default_factory=dict)
    lines: int = 0
    error_lines: int = 0
    tail: list[str] = field(default_factory=list)
    last_error: str = ""


class ExecTask(RunnableTask):
    """Common properties of script tasks."""

    runner: Literal["PROCESS", "DOCKER"] | None = None
    docker: DockerOptions | None = None
    task_runner: AnyTaskRunner | None = None
    container_image: Property[Text] | None = None
    env: Property[dict[str, Text | None]] | None = None
    before_commands: Property[list[Text]] | None = None
    interpreter: Property[list[str]] = Property(["/bin/sh", "-c"], list[str])
    fail_fast: Property[bool] = Property(True, bool)
    warning_on_std_err: bool = False
    target_os: str | None = Field(default=None, alias="targetOS")
    input_files: Property[InputFiles] | None = None
    output_files: Property[list[str]] | None = None
    outputs_files: Property[list[str]] | None = None
    output_directory: bool | None = None
    namespace_files: NamespaceFilesOption | None = None

    def default_image(self) -> str:
        """The container image when the task names none."""
        return "ubuntu"

    def programs(self, ctx: RunContext) -> Sequence[Path]:
        """Folders of this machine whose programs come first, for runners that use them."""
        return ()

    def execute(self, ctx: RunContext, lines: Sequence[str], env: Mapping[str, str]) -> Outputs:
        """Run shell lines in the working directory and gather the outputs."""
        told = Told()
        rendered_env = self._environment(ctx, env)
        options: dict[str, object] = {}
        if self.docker is not None:
            options = self.docker.model_dump(exclude_none=True)
        command = Command(
            argv=[*ctx.render(self.interpreter), self._script(ctx, lines)],
            workdir=ctx.workdir,
            env=rendered_env,
            image=self._image(ctx),
            on_line=lambda text, is_error: listen(ctx, told, text, is_error),
            outputs=self._patterns(ctx),
            options=options,
            programs=lambda: self.programs(ctx),
        )
        result = ctx.run_command(self.task_runner, command)
        outputs: dict[str, object] = {
            "exitCode": result.exit_code,
            "vars": told.outputs,
            "stdOutLineCount": told.lines,
            "stdErrLineCount": told.error_lines,
            "outputFiles": collect_outputs(ctx, self._patterns(ctx)),
        }
        if result.exit_code != 0:
            raise TaskFailed(_failure(result.exit_code, told), outputs=outputs)
        if self.warning_on_std_err and told.error_lines:
            text = f"{told.error_lines} lines on standard error (warningOnStdErr)"
            raise TaskFailed(text, outputs=outputs, state=State.WARNING)
        return outputs

    def prepare(self, ctx: RunContext) -> None:
        """Fill the working directory with namespace files and input files."""
        _ = ctx.workdir  # from here on expressions see `workingDir`
        place_namespace_files(ctx, self.namespace_files)
        place_input_files(ctx, self.input_files)

    def _image(self, ctx: RunContext) -> str:
        if self.container_image is not None:
            return ctx.render(self.container_image)
        if self.docker is not None and self.docker.image:
            return ctx.render_text(self.docker.image)
        return self.default_image()

    def _environment(self, ctx: RunContext, extra: Mapping[str, str]) -> dict[str, str]:
        rendered = ctx.render(self.env) if self.env is not None else {}
        own = {"WORKING_DIR": str(ctx.workdir), "OUTPUT_DIR": str(ctx.workdir)}
        given = {key: value or "" for key, value in rendered.items()}
        return {**own, **extra, **given}

    def _script(self, ctx: RunContext, lines: Sequence[str]) -> str:
        before = ctx.render(self.before_commands) if self.before_commands is not None else []
        body = "\n".join([*before, *lines])
        return f"set -e\n{body}" if ctx.render(self.fail_fast) else body

    def _patterns(self, ctx: RunContext) -> list[str]:
        found: list[str] = []
        for prop in (self.output_files, self.outputs_files):
            if prop is not None:
                found += ctx.render(prop)
        return found


def listen(ctx: RunContext, told: Told, text: str, is_error: bool) -> None:
    """Log a line, or take what `::{…}::` tells: outputs, metrics, log lines of a level."""
    match = _TOLD.match(text)
    if match is not None and _take(ctx, told, match["body"]):
        return
    if is_error:
        told.error_lines += 1
    else:
        told.lines += 1
    if text.strip():
        told.tail = [*told.tail[1 - _TAIL :], text]
        told.last_error = text if is_error else told.last_error
    ctx.log.log(Level.WARN if is_error else Level.INFO, text)


def _take(ctx: RunContext, told: Told, body: str) -> bool:
    try:
        message = json.loads(body)
    except ValueError as error:
        ctx.log.warn(f"a line that starts with `::{{` is not valid JSON: {error}")
        return False
    if not isinstance(message, dict):
        return False
    outputs = message.get("outputs")
    if isinstance(outputs, dict):
        told.outputs.update(outputs)
    for metric in message.get("metrics") or []:
        _metric(ctx, metric)
    for line in message.get("logs") or []:
        ctx.log.log(Level[str(line.get("level", "INFO")).upper()], str(line.get("message", "")))
    return True


def _metric(ctx: RunContext, metric: Mapping[str, object]) -> None:
    tags = metric.get("tags")
    named = {str(k): str(v) for k, v in tags.items()} if isinstance(tags, dict) else {}
    kind = MetricKind(str(metric.get("type", "counter")))
    try:
        value = float(str(metric.get("value")))
    except ValueError as error:
        raise InvalidInput(f"metric `{metric.get('name')}` has no numeric value") from error
    ctx.metric(str(metric.get("name")), value, kind, **named)


def _failure(code: int, told: Told) -> str:
    """The code with the last words; those on standard error count more, whichever came last."""
    words = told.last_error or (told.tail[-1] if told.tail else "")
    return f"Command failed with exit code {code}{f': {words}' if words else ''}"
