"""Terraform on a copy of the modules, with stand-ins for its providers. Nothing of it dials out."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = ROOT / "terraform"
ENVIRONMENTS: Final = ROOT / ".venv-terraform"
STANDIN: Final = Path(__file__).parent / "standin"
PROVIDERS: Final = ("google", "random")
_DECLARED: Final = re.compile(r'^(resource|data|ephemeral) "(\w+)"', re.MULTILINE)


def missing() -> str | None:
    """What the tests lack on this machine, or None."""
    if shutil.which("terraform") is None:
        return "terraform is not installed: its modules were NOT checked"
    if not (ENVIRONMENTS / "standin" / ".lock").exists():
        return "no stand-in providers: run `make test-terraform`, which installs them"
    if not (ENVIRONMENTS / "checkov" / ".lock").exists():
        return "no checkov: run `make test-terraform`, which installs it"
    return None


def declared_types() -> set[str]:
    """Every type in the modules: `google_x`, `data.google_x`, `ephemeral.random_x`."""
    found = set()
    for file in SOURCE.rglob("*.tf"):
        for kind, name in _DECLARED.findall(file.read_text()):
            found.add(name if kind == "resource" else f"{kind}.{name}")
    return {name for name in found if name.removeprefix("data.") != "terraform_data"}


@dataclass(frozen=True)
class Result:
    code: int
    output: str

    def __bool__(self) -> bool:
        return self.code == 0


@dataclass(frozen=True)
class Plugins:
    """A folder of stand-in providers, and the schemas they serve."""

    folder: Path
    versions: dict[str, str]
    schemas: Path


def make_plugins(folder: Path, extra: set[str] = frozenset()) -> Plugins:  # type: ignore[assignment]
    """Read the schemas of what the modules use, and lay out programs that serve them."""
    python = ENVIRONMENTS / "standin" / "bin" / "python"
    site = next((ENVIRONMENTS / "standin" / "lib").glob("python3*")) / "site-packages"
    wanted = declared_types() | extra
    arguments = []
    for provider in PROVIDERS:
        archive = next((site / f"cdktn_provider_{provider}" / "_jsii").glob("*.tgz"))
        names = {n for n in wanted if n.rpartition(".")[2].startswith(f"{provider}_")}
        arguments.append(f"{archive}={','.join(sorted(names))}")
    schemas = folder / "schemas.json"
    command = [str(python), str(STANDIN / "schema.py"), str(schemas), *arguments]
    subprocess.run(command, check=True, capture_output=True, text=True)
    versions = {name: told["version"] for name, told in json.loads(schemas.read_text()).items()}
    for name, version in versions.items():
        home = folder / "plugins/registry.terraform.io/hashicorp" / name / version / _platform()
        home.mkdir(parents=True)
        program = home / f"terraform-provider-{name}_v{version}"
        run = f"exec '{python}' '{STANDIN / 'provider.py'}' {name}"
        program.write_text(f"#!/bin/sh\nSTANDIN_SCHEMAS='{schemas}' {run}\n")
        program.chmod(0o755)
    return Plugins(folder / "plugins", versions, schemas)


def _platform() -> str:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
    return f"{os.uname().sysname.lower()}_{machine}"


class Workspace:
    """A copy of `terraform/`; its lock files are written here and never in the repository."""

    def __init__(self, folder: Path, plugins: Plugins) -> None:
        self.folder = folder
        self._plugins = plugins

    def run(self, where: str, *arguments: str, timeout: float = 180) -> Result:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TF_CLI_CONFIG_FILE": os.devnull,
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
        }
        done = subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder / where,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        return Result(done.returncode, done.stdout + done.stderr)

    def init(self, where: str) -> Result:
        return self.run(
            where, "init", "-no-color", "-input=false", f"-plugin-dir={self._plugins.folder}"
        )

    def validate(self, where: str) -> Result:
        return self.run(where, "validate", "-no-color")

    def test(self, where: str) -> Result:
        return self.run(where, "test", "-no-color", timeout=600)

    def plan(self, where: str, variables: dict[str, object]) -> Result:
        file = self.folder / where / "given.auto.tfvars.json"
        file.write_text(json.dumps(variables))
        return self.run(where, "plan", "-no-color", "-input=false", "-out=made.plan")

    def planned(self, where: str) -> dict[str, Any]:
        """The last plan as Terraform shows it to programs."""
        shown: dict[str, Any] = json.loads(self.run(where, "show", "-json", "made.plan").output)
        return shown

    def copy(self, folder: Path) -> "Workspace":
        """Initialised as this one is."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Workspace(folder, self._plugins)

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace the one place that says `old`."""
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file} says {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new))


def directories() -> list[str]:
    """Every module and example, by its folder below `terraform/`."""
    return sorted({str(f.parent.relative_to(SOURCE)) for f in SOURCE.rglob("variables.tf")})
