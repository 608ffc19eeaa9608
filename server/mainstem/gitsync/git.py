"""Running the git program: fixed argument vectors, a fixed environment, bounded time and words.

Nothing of the user's configuration, hooks, filters, helpers or terminal takes part.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from mainstem.errors import Transient

_PASSED_ON: Final = (
    "PATH", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY",
)  # fmt: skip
_FIXED: Final = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "/bin/false",
    "SSH_ASKPASS": "/bin/false",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_ALLOW_PROTOCOL": "none",
    "LC_ALL": "C",
    "HOME": "/nonexistent",
}
_OPTIONS: Final = (
    "-c", "core.hooksPath=/dev/null",
    "-c", "core.symlinks=false",
    "-c", "core.fsmonitor=false",
    "-c", "core.alternateRefsCommand=true",
    "-c", "credential.helper=",
    "-c", "submodule.recurse=false",
    "-c", "gc.auto=0",
    "-c", "maintenance.auto=false",
    "-c", "safe.directory=*",
)  # fmt: skip
LOCAL_SECONDS: Final = 60.0
_MOST_WORDS: Final = 4_000


class GitFailed(Transient):
    """Git ended with an error; `words` is what it said."""

    def __init__(self, words: str, code: int) -> None:
        super().__init__(f"git failed: {words.strip()}")
        self.words = words
        self.code = code


class Git:
    """Runs git for one server."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        kept = {name: environment[name] for name in _PASSED_ON if name in environment}
        self._environment = {"PATH": os.defpath, **kept, **_FIXED}

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**self._environment, **(extra or {})}

    @staticmethod
    def command(
        arguments: Sequence[str], folder: Path | None = None, options: Sequence[str] = ()
    ) -> list[str]:
        """The argument vector; `options` come after the fixed ones and may override them."""
        where = ["--git-dir", str(folder)] if folder else []
        return ["git", *_OPTIONS, *options, *where, *arguments]

    def run(
        self,
        arguments: Sequence[str],
        *,
        folder: Path | None = None,
        options: Sequence[str] = (),
        extra: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        seconds: float = LOCAL_SECONDS,
    ) -> bytes:
        """What git printed. Raises GitFailed, or Transient when it takes too long."""
        process = subprocess.Popen(
            self.command(arguments, folder, options),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment(extra),
            cwd="/",
            start_new_session=True,
        )
        try:
            out, err = process.communicate(stdin, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Transient(f"git {arguments[0]} took longer than {seconds:.0f} seconds") from None
        finally:
            end_group(process)
        if process.returncode:
            raise GitFailed(err[-_MOST_WORDS:].decode("utf-8", "replace"), process.returncode)
        return out


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """End a process and those it started, unless it has ended by itself."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
