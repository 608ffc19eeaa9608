"""The two hooks of repositories that are pushed to, and the socket by which they ask the server.

Git runs the hook; the hook only carries: what git says goes to the server, and the server's words
go to the terminal of whoever pushes. A socket lives as long as one push.
"""

import json
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SOCKET: Final = "MAINSTEM_HOOK_SOCKET"
_LARGEST: Final = 1_000_000
_TOLD: Final = ("GIT_QUARANTINE_PATH", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")
# -I -S: nothing of the environment or of site-packages; it starts in ten milliseconds.
_HOOK: Final = """#!{python} -IS
import json, os, socket, sys
talk = socket.socket(socket.AF_UNIX)
talk.connect(os.environ["{socket}"])
told = {{name: os.environ[name] for name in {told!r} if name in os.environ}}
lines = sys.stdin.read()
talk.sendall(json.dumps({{"hook": "{hook}", "told": told, "lines": lines}}).encode())
talk.shutdown(socket.SHUT_WR)
code = 1
for line in talk.makefile("r", encoding="utf-8"):
    word = json.loads(line)
    if "code" in word:
        code = word["code"]
    else:
        print(word["say"], flush=True)
sys.exit(code)
"""


@dataclass(frozen=True, slots=True)
class Update:
    """One ref that a push wants to move; zeros where it is made or deleted."""

    old: str
    new: str
    ref: str

    @property
    def deletes(self) -> bool:
        return not self.new.strip("0")


@dataclass(frozen=True, slots=True)
class Question:
    """What a hook was run for; `told` is git's environment for objects not yet accepted."""

    hook: str
    updates: tuple[Update, ...]
    told: Mapping[str, str]


Say = Callable[[str], None]
#: Answers whether the push may go on; what it says reaches the pusher's terminal at once.
Answer = Callable[[Question, Say], bool]


def write_hooks(folder: Path) -> None:
    """The hooks of this installation."""
    folder.mkdir(parents=True, exist_ok=True)
    for hook in ("pre-receive", "post-receive"):
        text = _HOOK.format(python=sys.executable, socket=SOCKET, told=_TOLD, hook=hook)
        file = folder / hook
        if not file.exists() or file.read_text() != text:
            handle, name = tempfile.mkstemp(dir=folder)
            with os.fdopen(handle, "w") as new:
                new.write(text)
            Path(name).chmod(0o700)
            Path(name).replace(file)


@contextmanager
def listening(answer: Answer) -> Iterator[str]:
    """A socket for the hooks of one push; its path is what their environment must name."""
    # Not below the state folder: paths of sockets are short.
    with tempfile.TemporaryDirectory(prefix="mainstem-push-") as folder:
        path = f"{folder}/hook"
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen(2)
        thread = threading.Thread(
            target=_serve, args=(server, answer), name="mainstem-push", daemon=True
        )
        thread.start()
        try:
            yield path
        finally:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            server.close()
            thread.join()


def _serve(server: socket.socket, answer: Answer) -> None:
    while True:
        try:
            talk, _ = server.accept()
        except OSError:
            return
        with talk, suppress(OSError):
            _converse(talk, answer)


def _converse(talk: socket.socket, answer: Answer) -> None:
    question = _question(talk)

    def send(word: Mapping[str, object]) -> None:
        talk.sendall(f"{json.dumps(word)}\n".encode())

    may = question is not None and answer(question, lambda text: send({"say": text}))
    send({"code": 0 if may else 1})


def _question(talk: socket.socket) -> Question | None:
    parts = bytearray()
    while part := talk.recv(65_536):
        parts += part
        if len(parts) > _LARGEST:
            return None
    asked: dict[str, Any] = json.loads(parts)
    updates = tuple(
        Update(*line.split(" ", 2)) for line in str(asked["lines"]).splitlines() if line
    )
    return Question(asked["hook"], updates, asked["told"])
