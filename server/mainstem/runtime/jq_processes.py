"""jq in processes of its own: a program that does not end, or wants all memory, stops only itself.

The library runs in C and holds the interpreter's lock; within the server nothing could end it.
"""

import select
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Final

from mainstem.expr.errors import Fault
from mainstem.runtime.jq_child import ANSWER, REQUEST, Outcome

_PROGRAM: Final = Path(__file__).with_name("jq_child.py")
_MEMORY: Final = 1 << 30
_MOST_IDLE: Final = 4
_WORDS: Final = {
    Outcome.UNREADABLE: "`jq` can't read its expression",
    Outcome.FAILED: "`jq` can't apply its expression",
}


class JqProcesses:
    """As many processes as programs run at once; some stay for the next ones."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._closed = False

    def __call__(self, program: str, text: str, *, seconds: float, most: int) -> str:
        """The results of a program as lines of JSON, at most `most` bytes.

        Raises Fault when the program cannot be read or applied, or takes too much of anything.
        """
        child = self._take()
        try:
            outcome, answer = child.ask(program.encode(), text.encode(), seconds, most)
        except BaseException:
            child.end()
            raise
        self._keep(child)
        if outcome in _WORDS:
            reason = answer.replace("\n", " ")[:300]
            raise Fault(f"{_WORDS[outcome]}: {reason}")
        return answer

    def close(self) -> None:
        """End the processes that wait; those at work end with their program."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for child in idle:
            child.end()

    def _take(self) -> "_Child":
        while True:
            with self._lock:
                child = self._idle.pop() if self._idle else None
            if child is None:
                return _Child()
            if child.lives:
                return child
            child.end()

    def _keep(self, child: "_Child") -> None:
        with self._lock:
            if not self._closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(child)
                return
        child.end()


class _Child:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(_PROGRAM), str(_MEMORY)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            bufsize=0,
        )

    @property
    def lives(self) -> bool:
        """Whether nobody has ended it since it was last asked."""
        return self._process.poll() is None

    def ask(self, program: bytes, text: bytes, seconds: float, most: int) -> tuple[Outcome, str]:
        """Have a program run; raises Fault when there is no answer in time, or too long a one."""
        assert self._process.stdin is not None
        deadline = time.monotonic() + seconds
        request = REQUEST.pack(int(seconds) + 1, len(program), len(text)) + program + text
        try:
            while request:
                request = request[self._process.stdin.write(request) :]
        except BrokenPipeError:
            raise Fault("`jq` was ended while it began") from None
        outcome, size = ANSWER.unpack(self._read(ANSWER.size, deadline))
        if size > most:
            raise Fault("`jq` made more text than allowed")
        return Outcome(outcome), self._read(size, deadline).decode()

    def _read(self, size: int, deadline: float) -> bytes:
        assert self._process.stdout is not None
        source, parts = self._process.stdout, bytearray()
        poll = select.poll()
        poll.register(source, select.POLLIN)
        while len(parts) < size:
            if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
                raise Fault("`jq` takes more time than allowed")
            chunk = source.read(size - len(parts))
            if not chunk:
                raise Fault("`jq` needs more memory or time than allowed")
            parts += chunk
        return bytes(parts)

    def end(self) -> None:
        """Kill it and wait for it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
