"""The Ansible command line, and what its playbooks tell."""

from pathlib import Path
from typing import Final, Literal

from mainstem.plugins.clis.callback import CALLBACK, MODULE
from mainstem.plugins.clis.tasks import CliTask
from mainstem.sdk.context import RunContext
from mainstem.sdk.fields import Property, Text
from mainstem.sdk.task import Outputs

_CONFIG: Final = """\
[defaults]
log_path = {{ workingDir }}/log
callback_plugins = {{ workingDir }}/callback_plugins
stdout_callback = default
callbacks_enabled = mainstem_outputs
library = {{ workingDir }}/library
"""
_LOG: Final = "log"


class AnsibleCLI(CliTask):
    """Run Ansible commands; results of a playbook's tasks are in `vars.outputs`, in their order.

    With `outputsMode: EXPLICIT` only what the module `kestra` declares is there, by name.

    `ansibleConfig` becomes `ansible.cfg`; the default one turns on the callback that reports
    results. `autoInstall…` installs `requirements.txt` and `requirements.yml` of the working
    directory first.
    """

    TYPE = "io.kestra.plugin.ansible.cli.AnsibleCLI"
    IMAGE = "cytopia/ansible:latest-tools"

    ansible_config: Property[Text] = Property(_CONFIG, str)
    outputs_mode: Property[Literal["ALL", "EXPLICIT"]] = Property("ALL", str)
    output_log_file: Property[bool] = Property(False, bool)
    auto_install_python_requirements: Property[bool] = Property(True, bool)
    auto_install_galaxy_requirements: Property[bool] = Property(True, bool)

    def run(self, ctx: RunContext) -> Outputs:
        self.prepare(ctx)
        _place(ctx.workdir / "ansible.cfg", ctx.render(self.ansible_config))
        _place(ctx.workdir / "callback_plugins" / "mainstem_outputs.py", CALLBACK)
        _place(ctx.workdir / "library" / "kestra.py", MODULE)
        lines = [*self._requirements(ctx), *ctx.render(self.commands)]
        found = dict(self.execute(ctx, lines, self.settings(ctx)))
        told = found["vars"]
        assert isinstance(told, dict)
        return {**found, "playbooks": told.get("playbooks", [])}

    def settings(self, ctx: RunContext) -> dict[str, str]:
        return {
            # A working directory that others may write to is else not looked at for ansible.cfg.
            "ANSIBLE_CONFIG": str(ctx.workdir / "ansible.cfg"),
            "ANSIBLE_FORCE_COLOR": "false",
            "MAINSTEM_OUTPUTS_MODE": ctx.render(self.outputs_mode).lower(),
        }

    def _requirements(self, ctx: RunContext) -> list[str]:
        python = ctx.workdir / "requirements.txt"
        galaxy = ctx.workdir / "requirements.yml"
        lines = []
        if ctx.render(self.auto_install_python_requirements) and python.is_file():
            lines.append(f"pip install --quiet -r {python.name}")
        if ctx.render(self.auto_install_galaxy_requirements) and galaxy.is_file():
            lines.append(f"ansible-galaxy install -r {galaxy.name}")
        return lines

    def _patterns(self, ctx: RunContext) -> list[str]:
        found = super()._patterns(ctx)
        return [*found, _LOG] if ctx.render(self.output_log_file) else found


def _place(path: Path, content: str) -> None:
    """Write a file unless the flow brought one of that name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(content)
