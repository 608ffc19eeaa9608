"""Commands as processes of this machine, in a process group of their own."""

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Final

from mainstem.plugins.core.runner.host_alias import with_host_alias
from mainstem.sdk.context import RunContext, TaskFailed, TaskKilled
from mainstem.sdk.runner import Command, CommandResult, TaskRunner

_GRACE_SECONDS: Final = 5.0
_LONGEST_LINE: Final = 1 << 20
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Process(TaskRunner):
    """Run commands as processes beside the worker, with its environment and the task's."""

    TYPE = "io.kestra.plugin.core.runner.Process"
    ALIASES = ("io.kestra.core.models.tasks.runners.types.ProcessTaskRunner",)

    def run(self, ctx: RunContext, command: Command) -> CommandResult:
        """Output lines come as they are written; a kill ends the whole process group."""
        argv = with_host_alias(ctx, command)
        try:
            child = subprocess.Popen(
                argv,
                cwd=command.workdir,
                env=_environment(ctx, command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise TaskFailed(
                f"`{argv[0]}` is not installed on this worker: install it, or run the task in a "
                "container that has it"
            ) from error
        except OSError as error:
            raise TaskFailed(f"`{argv[0]}` cannot be started: {error.strerror}") from error
        ctx.on_kill(lambda: _end(child))
        _drain(child, command.on_line or (lambda _text, _is_error: None))
        code = child.wait()
        if ctx.is_killed:
            raise TaskKilled
        return CommandResult(code)


def _environment(ctx: RunContext, command: Command) -> dict[str, str]:
    found = {**ctx.settings.environment, **command.env}
    first = command.programs()
    if first is not None:
        found["PATH"] = f"{first}:{found.get('PATH', _PATH)}"
        found["MAINSTEM_PROGRAMS"] = str(first)
    return found


def _drain(child: "subprocess.Popen[bytes]", on_line: Callable[[str, bool], None]) -> None:
    assert child.stdout is not None
    assert child.stderr is not None
    reader = threading.Thread(
        target=_lines, args=(child.stderr, True, on_line), name="stderr", daemon=True
    )
    reader.start()
    _lines(child.stdout, False, on_line)
    reader.join()


def _lines(stream: IO[bytes], is_error: bool, on_line: Callable[[str, bool], None]) -> None:
    with stream:
        while raw := stream.readline(_LONGEST_LINE):
            on_line(raw.decode("utf-8", "replace").rstrip("\r\n"), is_error)


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Ask the group to end; what is left after the grace period is killed."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGTERM)
    timer = threading.Timer(_GRACE_SECONDS, _kill, (child,))
    timer.daemon = True
    timer.start()


def _kill(child: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
