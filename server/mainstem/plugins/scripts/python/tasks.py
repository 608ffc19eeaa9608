"""Python tasks."""

import shutil
import sys
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

    def python_environment(self, ctx: RunContext) -> dict[str, str]:
        """PATH with the right `python` first, and the module `kestra` on PYTHONPATH."""
        helpers = ctx.workdir / ".mainstem"
        helpers.mkdir(exist_ok=True)
        (helpers / "kestra.py").write_text(CLIENT)
        own = {"PYTHONPATH": str(helpers), "PYTHONUNBUFFERED": "1"}
        wanted = ctx.render(self.dependencies) if self.dependencies is not None else []
        folder: Path | None = None
        if wanted:
            keep = ctx.render(self.dependency_cache_enabled)
            folder = environment_for(ctx, wanted, keep=keep) / "bin"
        elif shutil.which("python") is None:
            folder = Path(sys.executable).parent
        if folder is not None:
            path = ctx.settings.environment.get("PATH", "/usr/local/bin:/usr/bin:/bin")
            own["PATH"] = f"{folder}:{path}"
        return own


class Script(PythonTask):
    """Run a Python script written inline."""

    TYPE = "io.kestra.plugin.scripts.python.Script"

    script: Property[Text]

    def run(self, ctx: RunContext) -> Outputs:
        self.prepare(ctx)
        file = ctx.workdir / ".mainstem-script.py"
        file.write_text(ctx.render(self.script))
        return self.execute(ctx, [f"python {file.name}"], self.python_environment(ctx))


class Commands(PythonTask):
    """Run commands, usually `python` with scripts among the namespace or input files."""

    TYPE = "io.kestra.plugin.scripts.python.Commands"

    commands: Property[list[Text]]

    def run(self, ctx: RunContext) -> Outputs:
        self.prepare(ctx)
        return self.execute(ctx, ctx.render(self.commands), self.python_environment(ctx))
