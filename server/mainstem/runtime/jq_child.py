"""Runs jq programs that come through standard input, one after the other.

    python -I jq_child.py BYTES_OF_MEMORY

Started by its path: it loads nothing of the server, and has nothing of its environment.
"""

import resource
import struct
import sys
from enum import IntEnum
from functools import lru_cache
from typing import Any, BinaryIO, Final

REQUEST: Final = struct.Struct(">III")  # seconds, bytes of the program, bytes of its input
ANSWER: Final = struct.Struct(">BI")  # outcome, bytes that follow


class Outcome(IntEnum):
    """What became of a program."""

    RESULTS = 0
    UNREADABLE = 1
    FAILED = 2


def main() -> None:
    memory = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while header := sys.stdin.buffer.read(REQUEST.size):
        seconds, program, text = REQUEST.unpack(header)
        _work_no_longer_than(seconds)
        outcome, answer = run(_read(sys.stdin.buffer, program), _read(sys.stdin.buffer, text))
        sys.stdout.buffer.write(ANSWER.pack(outcome, len(answer)) + answer)
        sys.stdout.buffer.flush()


def run(program: str, text: str) -> tuple[Outcome, bytes]:
    """The results of a program as lines of JSON, or why there are none."""
    try:
        compiled = _compiled(program)
    except ValueError as error:
        return Outcome.UNREADABLE, str(error).encode()
    try:
        return Outcome.RESULTS, compiled.input_text(text).text().encode()
    except (ValueError, StopIteration) as error:
        return Outcome.FAILED, str(error).encode()


@lru_cache(maxsize=64)
def _compiled(program: str) -> Any:
    import jq  # not by the server, which imports this module for its words

    return jq.compile(program)


def _read(source: BinaryIO, size: int) -> str:
    return source.read(size).decode()


def _work_no_longer_than(seconds: int) -> None:
    """Bound the work even when nobody is left to end it: the system does."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    main()
