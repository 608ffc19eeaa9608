"""The download script of the taxi flows: expected files only, and clear words otherwise."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from demo.taxi_data import YELLOW_COLUMNS, TripFile, write

SCRIPT = Path(__file__).parents[2] / "files" / "taxi" / "scripts" / "fetch_trips.py"
NAME = "yellow_tripdata_2019-01.csv"
HEADER = ",".join(YELLOW_COLUMNS)
Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Answers every request with the given statuses in turn, the last one for good."""
    servers: list[ThreadingHTTPServer] = []

    def start(body: bytes, *statuses: int) -> str:
        waiting = list(statuses or (200,))

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(waiting.pop(0) if len(waiting) > 1 else waiting[0])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def fetch(folder: Path, base_url: str, taxi: str = "yellow") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--taxi", taxi, "--file", NAME, "--base-url", base_url]
    return subprocess.run(
        command, cwd=folder, env={}, capture_output=True, text=True, timeout=30, check=False
    )


def test_a_good_file_is_left_in_the_working_directory_with_its_row_count(
    serve: Serve, tmp_path: Path
) -> None:
    made = write(TripFile("yellow", "2019-01", 40), tmp_path / "made.csv.gz")
    done = fetch(tmp_path, serve(made.read_bytes()))
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / NAME).read_text().splitlines()) == 41
    outputs = json.loads(done.stdout.splitlines()[-1].strip(":"))
    assert outputs == {"outputs": {"file": NAME, "rows": 40}}


def test_a_quoted_header_and_a_byte_order_mark_are_no_reason_to_refuse(
    serve: Serve, tmp_path: Path
) -> None:
    header = ",".join(f'"{name}"' for name in YELLOW_COLUMNS)
    done = fetch(tmp_path, serve(gzip.compress(f"\ufeff{header}\r\n".encode())))
    assert done.returncode == 0, done.stderr


CUT = gzip.compress(("\n".join([HEADER, *["1,2"] * 9000])).encode(), compresslevel=0, mtime=0)[
    :-5000
]


@pytest.mark.parametrize(
    ("body", "statuses", "words"),
    [
        (b"", (404,), "there is no file at http://127.0.0.1"),
        (b"", (403,), "answered HTTP 403"),
        (b"", (500,), "answered HTTP 500"),
        (b"<html>Sign in</html>", (200,), "is not a whole gzip file"),
        (CUT, (200,), "cut off"),
        (gzip.compress(b"", mtime=0), (200,), "is empty"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0), (200,), "unexpected: a, b"),
        (
            gzip.compress(HEADER.replace(",total_amount", "").encode(), mtime=0),
            (200,),
            "missing: total_amount",
        ),
        (
            gzip.compress(",".join(reversed(YELLOW_COLUMNS)).encode(), mtime=0),
            (200,),
            "in another order: congestion_surcharge, total_amount",
        ),
    ],
)
def test_a_file_that_must_not_be_loaded_ends_with_a_reason_and_leaves_nothing(
    serve: Serve, tmp_path: Path, body: bytes, statuses: tuple[int, ...], words: str
) -> None:
    done = fetch(tmp_path, serve(body, *statuses))
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_green_file_is_refused_where_a_yellow_one_is_expected(
    serve: Serve, tmp_path: Path
) -> None:
    made = write(TripFile("green", "2019-01", 5), tmp_path / "made.csv.gz")
    done = fetch(tmp_path, serve(made.read_bytes()))
    assert "missing: tpep_pickup_datetime, tpep_dropoff_datetime" in done.stderr


def test_a_server_that_stumbles_once_is_asked_again(serve: Serve, tmp_path: Path) -> None:
    done = fetch(tmp_path, serve(gzip.compress(f"{HEADER}\n".encode()), 503, 200))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("base_url", "words"),
    [("http://127.0.0.1:1", "cannot be reached"), ("file:///etc", "is no http(s) address")],
)
def test_a_wrong_address_is_named(tmp_path: Path, base_url: str, words: str) -> None:
    done = fetch(tmp_path, base_url)
    assert words in done.stderr
    assert base_url in done.stderr
