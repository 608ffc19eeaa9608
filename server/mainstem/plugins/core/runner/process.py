"""Commands as processes of this machine, in a process group of their own."""

import os
import select
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from mainstem.plugins.core.runner.host_alias import with_host_alias
from mainstem.sdk.context import RunContext, TaskFailed, TaskKilled
from mainstem.sdk.lines import Lines
from mainstem.sdk.runner import Command, CommandResult, TaskRunner

_GRACE_SECONDS: Final = 5.0
_CHUNK: Final = 1 << 16
_SHELLS: Final = frozenset({"sh", "bash", "dash", "ash", "ksh", "zsh"})
_HAS_DESCRIPTORS: Final = Path("/dev/fd").exists()
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Process(TaskRunner):
    """Run commands as processes beside the worker, with its environment and the task's."""

    TYPE = "io.kestra.plugin.core.runner.Process"
    ALIASES = ("io.kestra.core.models.tasks.runners.types.ProcessTaskRunner",)

    def run(self, ctx: RunContext, command: Command) -> CommandResult:
        """Output lines come as they are written; a kill ends the whole process group."""
        argv = with_host_alias(ctx, command)
        try:
            with _out_of_sight(ctx, command, argv) as (argv, descriptors):
                child = subprocess.Popen(
                    argv,
                    cwd=command.workdir,
                    env=_environment(ctx, command),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    bufsize=0,
                    start_new_session=True,
                    pass_fds=descriptors,
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


@contextmanager
def _out_of_sight(
    ctx: RunContext, command: Command, argv: list[str]
) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """A script with a secret as a nameless file: every user of the machine sees arguments."""
    is_script = argv[-2:-1] == ["-c"] and Path(command.argv[0]).name in _SHELLS
    if not is_script or not _HAS_DESCRIPTORS or not ctx.hides(argv[-1]):
        yield argv, ()
        return
    with tempfile.TemporaryFile() as file:
        file.write(argv[-1].encode())
        file.flush()
        file.seek(0)
        yield [*argv[:-2], f"/dev/fd/{file.fileno()}"], (file.fileno(),)


def _environment(ctx: RunContext, command: Command) -> dict[str, str]:
    found = {**ctx.settings.environment, **command.env}
    first = os.pathsep.join(str(folder) for folder in command.programs())
    if first:
        found["PATH"] = f"{first}{os.pathsep}{found.get('PATH', _PATH)}"
        found["MAINSTEM_PROGRAMS"] = first
    return found


def _drain(child: "subprocess.Popen[bytes]", on_line: Callable[[str, bool], None]) -> None:
    """Hand on lines as they come, until the command and all it started have closed both pipes."""
    assert child.stdout is not None
    assert child.stderr is not None
    with child.stdout, child.stderr:
        poll = select.poll()
        pipes = {
            stream.fileno(): Lines(is_error, on_line)
            for stream, is_error in ((child.stdout, False), (child.stderr, True))
        }
        for number in pipes:
            poll.register(number, select.POLLIN)
        while pipes:
            for number, _ in poll.poll():
                chunk = os.read(number, _CHUNK)
                pipes[number].take(chunk)
                if not chunk:
                    poll.unregister(number)
                    del pipes[number]


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
