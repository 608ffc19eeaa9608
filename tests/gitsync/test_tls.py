"""https with a private certificate authority, straight and through a proxy; git talks for real."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from demo.authority import Authority
from mainstem.errors import MainstemError, Stalled, Transient
from tests.gitsync.conftest import Make, Repository, Served, flow

HOST = "git.example.test"


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while part := source.recv(65_536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


def join(one: socket.socket, other: socket.socket) -> None:
    back = threading.Thread(target=pump, args=(other, one), daemon=True)
    back.start()
    pump(one, other)
    back.join(10)
    for side in (one, other):
        side.close()


@contextmanager
def listening(handle: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on loopback, one thread for each connection."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def accept() -> None:
            while True:
                try:
                    client, _ = door.accept()
                except OSError:
                    return
                threading.Thread(target=handle, args=(client,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield int(door.getsockname()[1])
        door.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@dataclass
class Web:
    """TLS in front of a hosted repository, and a proxy that alone knows where its host is."""

    authority: Authority
    tls_port: int
    proxy: str
    asked: list[str] = field(default_factory=list)

    @property
    def ca(self) -> str:
        return self.authority.certificate.read_text()


@pytest.fixture
def web(repository: Repository, serve: Callable[..., Served], tmp_path: Path) -> Iterator[Web]:
    hosted = serve({"name": "team", "push": True}, **{"server.allowed_hosts": [HOST]})
    repository.commit({"flows/hello.yaml": flow()})
    assert repository.try_git("push", f"{hosted.url}/git/team", "main").returncode == 0
    plain_port = int(hosted.url.rpartition(":")[2])
    authority = Authority(tmp_path / "authority")
    asked: list[str] = []

    def speak_tls(client: socket.socket) -> None:
        name: list[str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

        def choose(secured: ssl.SSLObject, wanted: str | None, _: ssl.SSLContext) -> None:
            name.append(wanted or "")
            secured.context = authority.context(wanted or HOST)

        context.sni_callback = choose
        try:
            secured = context.wrap_socket(client, server_side=True)
        except (ssl.SSLError, OSError):
            client.close()
            return
        join(secured, socket.create_connection(("127.0.0.1", plain_port)))

    def tunnel(client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head and (part := client.recv(4_096)):
            head += part
        line = head.partition(b"\r\n")[0].decode()
        asked.append(line)
        if not line.startswith(f"CONNECT {HOST}:443 "):
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            client.close()
            return
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        join(client, socket.create_connection(("127.0.0.1", tls_port)))

    with ExitStack() as stack:
        tls_port = stack.enter_context(listening(speak_tls))
        proxy_port = stack.enter_context(listening(tunnel))
        yield Web(authority, tls_port, f"http://127.0.0.1:{proxy_port}", asked)


def test_a_private_authority_is_trusted_where_the_source_names_it(web: Web, make_app: Make) -> None:
    url = f"https://localhost:{web.tls_port}/git/team"
    app = make_app({"name": "team", "url": url, "ca": web.ca, "proxy": "off"})
    assert app.syncs.sync("team").applied
    assert web.asked == []


def test_without_it_or_with_another_one_the_source_needs_a_human(
    web: Web, make_app: Make, tmp_path: Path
) -> None:
    url = f"https://localhost:{web.tls_port}/git/team"
    other = Authority(tmp_path / "other").certificate.read_text()
    for number, ca in enumerate(("", other)):
        app = make_app({"name": f"team-{number}", "url": url, "ca": ca})
        with pytest.raises(Stalled, match="certificate"):
            app.syncs.sync(f"team-{number}")


def test_a_certificate_of_another_host_is_refused(web: Web, make_app: Make) -> None:
    url = f"https://127.0.0.1:{web.tls_port}/git/team"
    app = make_app({"name": "team", "url": url, "ca": web.ca})
    with pytest.raises(Stalled, match="certificate"):
        app.syncs.sync("team")


def test_a_host_behind_a_proxy_is_reached_with_its_own_authority(web: Web, make_app: Make) -> None:
    source = {"name": "team", "url": f"https://{HOST}/git/team", "ca": web.ca}
    app = make_app({**source, "proxy": web.proxy})
    assert app.syncs.sync("team").applied
    assert web.asked
    assert {line.split()[1] for line in web.asked} == {f"{HOST}:443"}


def test_a_proxy_that_refuses_is_told(web: Web, make_app: Make) -> None:
    source = {"name": "team", "url": "https://other.example.test/git/team", "ca": web.ca}
    app = make_app({**source, "proxy": web.proxy})
    with pytest.raises(MainstemError, match="407") as refused:
        app.syncs.sync("team")
    assert isinstance(refused.value, (Stalled, Transient))
