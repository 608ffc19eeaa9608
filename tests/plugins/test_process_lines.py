"""What a process writes becomes lines, however it is cut on its way through the pipes."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from mainstem.clock import FrozenClock
from mainstem.model.log import Level, LogLine
from mainstem.plugins.core.runner.process import _drain
from mainstem.sdk.lines import LONGEST, Lines
from mainstem.secrets.mask import Masker
from mainstem.worker.logs import AttemptLog

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def lines_of(*chunks: bytes, tell: Callable[[str], None] | None = None) -> list[str]:
    found: list[str] = []
    keep = tell or found.append
    lines = Lines(is_error=False, on_line=lambda text, _is_error: keep(text))
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


def test_of_a_line_without_an_end_the_rest_is_dropped() -> None:
    piece = b"x" * 65_536
    found = lines_of(*[piece] * 40, b"\nnext\n")
    assert found == ["x" * LONGEST, "next"]


def test_no_secret_is_divided_where_an_endless_line_is_cut() -> None:
    masker = Masker()
    masker.add("s3cr3t-v4lue")
    log = AttemptLog(LogLine(NOW, Level.INFO, "", "e"), FrozenClock(NOW), masker, None)
    for letter in ("a", "\N{GRINNING FACE}"):
        endless = letter * ((LONGEST - 6) // len(letter.encode())) + "s3cr3t-v4lue" * 1000
        lines_of(endless.encode() + b"\n", tell=log.info)
        told = "".join(line.message for line in log.take())
        assert told.endswith("… (cut after 262144 characters)")
        assert "s3c" not in told
        assert "lue" not in told


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
