"""Python tasks."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from mainstem.plugins.scripts.python.environments import environment_for
from mainstem.plugins.scripts.python.kestra_client import CLIENT
from mainstem.sdk.context import RunContext
from mainstem.sdk.exec_task import ExecTask
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs


class PythonTask(ExecTask):
    """Common properties of Python tasks.

    As a process, `python` is the interpreter of this server, or that of an environment which has
    the `dependencies`; in a container it is the image's own.
    """

    dependencies: Property[list[Text]] | None = None
    dependency_cache_enabled: Property[bool] = Property(True, bool)
    python_version: Property[Text] | None = None
    package_manager: Property[Literal["UV", "PIP"]] | None = None

    def default_image(self) -> str:
        return "python:3.13-slim"

    def programs(self, ctx: RunContext) -> Sequence[Path]:
        wanted = self._wanted(ctx)
        if not wanted:
            return [Path(sys.executable).parent]
        keep = ctx.render(self.dependency_cache_enabled)
        return [environment_for(ctx, wanted, keep=keep) / "bin"]

    def run_lines(self, ctx: RunContext, lines: Sequence[str]) -> Outputs:
        """Run shell lines with the module `kestra` at hand and the dependencies installed."""
        helpers = ctx.workdir / ".mainstem"
        helpers.mkdir(exist_ok=True)
        (helpers / "kestra.py").write_text(CLIENT)
        own = {"PYTHONPATH": str(helpers), "PYTHONUNBUFFERED": "1"}
        return self.execute(ctx, [*self._installation(ctx), *lines], own)

    def _wanted(self, ctx: RunContext) -> list[str]:
        return ctx.render(self.dependencies) if self.dependencies is not None else []

    def _installation(self, ctx: RunContext) -> list[str]:
        """In a container the image's own Python installs them; here an environment has them."""
        wanted = self._wanted(ctx)
        if not wanted:
            return []
        install = shlex.join(["python", "-m", "pip", "install", "--quiet", *wanted])
        return [f'[ -n "$MAINSTEM_PROGRAMS" ] || {install}']


class Script(PythonTask):
    """Run a Python script written inline."""

    TYPE = "io.kestra.plugin.scripts.python.Script"

    script: Property[Text]

    def run(self, ctx: RunContext) -> Outputs:
        self.prepare(ctx)
        file = ctx.workdir / ".mainstem-script.py"
        file.write_text(ctx.render(self.script))
        return self.run_lines(ctx, [f"python {file.name}"])


class Commands(PythonTask):
    """Run commands, usually `python` with scripts among the namespace or input files."""

    TYPE = "io.kestra.plugin.scripts.python.Commands"

    commands: Property[list[Text]]

    def run(self, ctx: RunContext) -> Outputs:
        self.prepare(ctx)
        return self.run_lines(ctx, ctx.render(self.commands))
