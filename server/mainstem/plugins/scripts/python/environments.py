"""Virtual environments for `dependencies`, made once per set and kept."""

import hashlib
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mainstem.ids import random_id
from mainstem.sdk.context import RunContext, TaskFailed

_SECONDS: Final = 900
_locks: dict[str, threading.Lock] = {}
_guard: Final = threading.Lock()


def environment_for(ctx: RunContext, dependencies: Sequence[str], *, keep: bool = True) -> Path:
    """The folder of an environment that has the dependencies installed.

    Two tasks that want the same set wait for each other; a failed installation leaves nothing.
    Raises TaskFailed with what the installer said.
    """
    wanted = sorted({item.strip() for item in dependencies if item.strip()})
    key = hashlib.sha256("\n".join([sys.version, *wanted]).encode()).hexdigest()[:24]
    root = ctx.settings.environments or ctx.workdir / ".environments"
    if not keep:
        key = f"{key}-{random_id()}"
    target = root / key
    with _lock(key):
        if not (target / ".complete").exists():
            _make(ctx, target, wanted)
    return target


def _lock(key: str) -> threading.Lock:
    with _guard:
        return _locks.setdefault(key, threading.Lock())


def _make(ctx: RunContext, target: Path, wanted: Sequence[str]) -> None:
    ctx.log.info(f"installing {', '.join(wanted)} (kept for later runs)")
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    requirements = ctx.workdir / ".requirements.txt"
    requirements.write_text("\n".join(wanted) + "\n")
    python = str(target / "bin" / "python")
    steps = (
        [sys.executable, "-m", "venv", str(target)],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--no-input", "-r", str(requirements)],
    )  # fmt: skip
    for argv in steps:
        done = subprocess.run(
            argv,
            env=dict(ctx.settings.environment),
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            shutil.rmtree(target, ignore_errors=True)
            said = (done.stderr or done.stdout).strip().splitlines()
            raise TaskFailed(
                f"the dependencies {', '.join(wanted)} cannot be installed: "
                f"{' '.join(said[-3:]) if said else 'no output'}"
            )
    (target / ".complete").write_text("")
