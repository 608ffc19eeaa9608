"""What a process writes becomes lines, however it is cut on its way through the pipes."""

import subprocess

import pytest

from mainstem.plugins.core.runner.process import _drain
from mainstem.sdk.lines import LONGEST, Lines


def lines_of(*chunks: bytes) -> list[str]:
    found: list[str] = []
    lines = Lines(is_error=False, on_line=lambda text, _is_error: found.append(text))
    for chunk in (*chunks, b""):
        lines.take(chunk)
    return found


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ((b"one\ntwo\n",), ["one", "two"]),
        ((b"on", b"e\ntw", b"o"), ["one", "two"]),
        ((b"windows\r\n", b"empty\n\nlast"), ["windows", "empty", "", "last"]),
        (("ä".encode()[:1], "ä".encode()[1:] + b"\n"), ["ä"]),
        ((b"\xff\n",), ["�"]),
        ((), []),
    ],
)
def test_lines_are_put_together_from_whatever_was_read(
    chunks: tuple[bytes, ...], lines: list[str]
) -> None:
    assert lines_of(*chunks) == lines


def test_a_line_without_an_end_is_handed_on_in_pieces_and_loses_nothing() -> None:
    piece = b"x" * 65_536
    found = lines_of(*[piece] * 40)
    assert max(map(len, found)) <= LONGEST
    assert sum(map(len, found)) == 40 * len(piece)


def test_both_pipes_are_read_while_the_process_writes_to_either() -> None:
    found: list[tuple[str, bool]] = []
    script = "for i in $(seq 20000); do echo out$i; echo err$i >&2; done; exec >&-; echo end >&2"
    child = subprocess.Popen(
        ["/bin/sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    )
    _drain(child, lambda text, is_error: found.append((text, is_error)))
    assert child.wait(20) == 0
    assert [t for t, is_error in found if not is_error] == [f"out{n}" for n in range(1, 20001)]
    errors = [t for t, is_error in found if is_error]
    assert errors == [*(f"err{n}" for n in range(1, 20001)), "end"]
