"""Starting things at a rate or as fast as they go, and a lean HTTP caller to do it with."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path


def at_rate(start: Callable[[], object], per_second: float, seconds: float, threads: int) -> int:
    """Start at even distances, late ones at once; returns how many were started."""
    number = count()
    began = time.perf_counter()
    started = [0] * threads

    def work(index: int) -> None:
        while (due := next(number) / per_second) < seconds:
            left = began + due - time.perf_counter()
            if left > 0:
                time.sleep(left)
            start()
            started[index] += 1

    _in_threads(work, threads)
    return sum(started)


def as_fast(
    start: Callable[[], object],
    seconds: float,
    threads: int,
    unfinished: Callable[[], int],
    most_open: int,
) -> int:
    """Start one after the other in every thread, waiting while too many are unfinished."""
    began = time.perf_counter()
    started = [0] * threads
    go_on = threading.Event()
    go_on.set()
    over = threading.Event()

    def work(index: int) -> None:
        while not over.is_set():
            go_on.wait(0.1)
            start()
            started[index] += 1

    workers = [threading.Thread(target=work, args=(index,)) for index in range(threads)]
    for worker in workers:
        worker.start()
    while time.perf_counter() - began < seconds:
        (go_on.set if unfinished() < most_open else go_on.clear)()
        time.sleep(0.02)
    over.set()
    go_on.set()
    for worker in workers:
        worker.join()
    return sum(started)


def _in_threads(work: Callable[[int], None], threads: int) -> None:
    workers = [threading.Thread(target=work, args=(index,)) for index in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


class Calls:
    """The same POST again and again over one kept connection a thread, written in one piece."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._own = threading.local()
        self._sockets: list[socket.socket] = []
        self._request = b""

    def save_flow(self, source: str, state: Path) -> None:
        """As the owner of the server's state folder."""
        token = json.loads((state / "local.json").read_text())["token"]
        headers = {"Content-Type": "application/x-yaml", "Authorization": f"Bearer {token}"}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        connection.request("POST", "/api/v1/flows", source, headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"the flow was refused: {answer.status} {answer.read()[:500]!r}")
        connection.close()

    def prepare(self, path: str, body: object) -> None:
        content = json.dumps(body).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        self._request = head.encode() + content

    def __call__(self) -> None:
        mine = getattr(self._own, "socket", None)
        if mine is None:
            mine = self._own.socket = socket.create_connection(("127.0.0.1", self._port), 60)
            mine.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.append(mine)
        mine.sendall(self._request)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._more(mine)
        head, _, rest = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"the call was refused: {answer[:500]!r}")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        left = length - len(rest)
        while left > 0:
            left -= len(self._more(mine))

    def close(self) -> None:
        for each in self._sockets:
            each.close()

    def _more(self, mine: socket.socket) -> bytes:
        chunk = mine.recv(65536)
        if not chunk:
            raise RuntimeError("the server closed the connection")
        return chunk
