"""Task runners: where the commands of script tasks execute."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mainstem.sdk.plugin import Plugin, plugin_field

if TYPE_CHECKING:
    from mainstem.sdk.context import PluginSettings, RunContext


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run in `workdir`.

    `argv` is the exact argument vector. `on_line(text, is_stderr)` gets each output line as it
    comes. `image` and `user_options` matter to container runners only. `outputs` are glob
    patterns of files that must be in `workdir` afterwards (a remote runner copies them back).
    `programs` gives folders of this machine to look for programs first; runners elsewhere never
    ask.
    """

    argv: Sequence[str]
    workdir: Path
    env: Mapping[str, str] = field(default_factory=dict)
    image: str | None = None
    on_line: Callable[[str, bool], None] | None = None
    outputs: Sequence[str] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    timeout: timedelta | None = None
    programs: Callable[[], Sequence[Path]] = tuple


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended; the workdir holds its files."""

    exit_code: int


class TaskRunner(Plugin):
    """Executes commands: as a process, in a container, elsewhere.

    A command sees its working directory under the path that `Command.workdir` names.
    """

    @abstractmethod
    def run(self, ctx: "RunContext", command: Command) -> CommandResult:
        """Run to the end; raises TaskFailed when it cannot be started, TaskKilled on kill."""

    @classmethod
    def unavailable(cls, settings: "PluginSettings") -> str | None:
        """Why commands cannot run here at all (no daemon, say), or None when they can."""
        return None


AnyTaskRunner = plugin_field(TaskRunner)
