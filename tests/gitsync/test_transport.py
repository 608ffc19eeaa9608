"""Reaching repositories for real: tokens over HTTP, keys over ssh, and what git never sees."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mainstem.errors import InvalidInput, Stalled
from mainstem.gitsync.address import check_url
from mainstem.gitsync.git import Git
from mainstem.model.principal import Grant, Role
from mainstem.services.tokens import NewToken
from tests.gitsync.conftest import Make, Repository, Served, flow

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


def keypair(folder: Path, name: str, passphrase: str = "") -> Path:
    file = folder / name
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f", str(file)],
        check=True,
    )
    return file


@dataclass
class Sshd:
    """A daemon on loopback with keys of its own."""

    port: int
    key: Path
    locked_key: Path
    known_hosts: str

    def url(self, repository: Repository) -> str:
        return f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{repository.folder}"


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    if not Path(SSHD).exists():
        pytest.skip("no sshd: install openssh-server to test ssh for real")
    folder = tmp_path_factory.mktemp("sshd")
    folder.chmod(0o700)
    host, user = keypair(folder, "host"), keypair(folder, "user")
    locked = keypair(folder, "locked", "open sesame")
    authorized = folder / "authorized"
    authorized.write_text(
        user.with_suffix(".pub").read_text() + locked.with_suffix(".pub").read_text()
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    Path("/run/sshd").mkdir(exist_ok=True)
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [
            SSHD, "-D", "-e", "-f", "/dev/null", "-h", str(host), "-p", str(port),
            "-o", "ListenAddress=127.0.0.1", "-o", f"AuthorizedKeysFile={authorized}",
            "-o", "StrictModes=no", "-o", "UsePAM=no", "-o", "PasswordAuthentication=no",
            "-o", "PidFile=none", "-o", "PermitRootLogin=prohibit-password",
        ],
        stderr=log,
    )  # fmt: skip
    public = " ".join(host.with_suffix(".pub").read_text().split()[:2])
    for _ in range(200):
        with socket.socket() as probe:
            probe.settimeout(0.1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert process.poll() is None, (folder / "log").read_text()
    yield Sshd(port, user, locked, f"[127.0.0.1]:{port} {public}\n")
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    log.close()


def test_a_repository_is_fetched_over_ssh_from_a_known_host(
    sshd: Sshd, repository: Repository, make_app: Make
) -> None:
    commit = repository.commit({"flows/hello.yaml": flow()})
    app = make_app(
        {"name": "team", "url": sshd.url(repository), "known_hosts": sshd.known_hosts,
         "ssh_key": sshd.key.read_text()}
    )  # fmt: skip
    assert app.syncs.test(app.sources.get("team").source) == commit
    assert app.syncs.sync("team").applied


def test_a_key_with_a_passphrase_opens(sshd: Sshd, repository: Repository, make_app: Make) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    app = make_app(
        {"name": "team", "url": sshd.url(repository), "known_hosts": sshd.known_hosts,
         "ssh_key": sshd.locked_key.read_text(), "ssh_passphrase": "open sesame"}
    )  # fmt: skip
    assert app.syncs.sync("team").applied


def test_a_host_with_another_key_needs_a_human(
    sshd: Sshd, repository: Repository, make_app: Make, tmp_path: Path
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    other = " ".join(keypair(tmp_path, "other").with_suffix(".pub").read_text().split()[:2])
    app = make_app(
        {"name": "team", "url": sshd.url(repository), "ssh_key": sshd.key.read_text(),
         "known_hosts": f"[127.0.0.1]:{sshd.port} {other}\n"}
    )  # fmt: skip
    with pytest.raises(Stalled, match=r"(?i)host key verification failed|identification"):
        app.syncs.sync("team")


def test_a_key_that_is_not_allowed_needs_a_human(
    sshd: Sshd, repository: Repository, make_app: Make, tmp_path: Path
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    stranger = keypair(tmp_path, "stranger").read_text()
    app = make_app(
        {"name": "team", "url": sshd.url(repository), "known_hosts": sshd.known_hosts,
         "ssh_key": stranger}
    )  # fmt: skip
    with pytest.raises(Stalled, match=r"(?i)permission denied") as caught:
        app.syncs.sync("team")
    assert stranger.splitlines()[1] not in str(caught.value)


def test_ssh_without_known_hosts_is_refused(make_app: Make) -> None:
    app = make_app({"name": "team", "url": "git@example.com:you/flows"})
    with pytest.raises(InvalidInput, match="ssh needs known_hosts"):
        app.syncs.sync("team")


def test_a_token_opens_a_repository_over_http(
    repository: Repository, serve: Callable[..., Served], make_app: Make
) -> None:
    host = serve({"name": "hosted", "push": True}, **{"auth.mode": "users"})
    writer = host.app.tokens.create(NewToken("writer", Grant(Role.EDITOR)))[1]
    reader = host.app.tokens.create(NewToken("reader", Grant(Role.VIEWER)))[1]
    commit = repository.commit({"flows/hello.yaml": flow()})
    address = host.url.removeprefix("http://")
    pushed = repository.try_git("push", f"http://w:{writer}@{address}/git/hosted", "main")
    assert pushed.returncode == 0, pushed.stderr
    url = f"{host.url}/git/hosted"
    app = make_app(
        {"name": "good", "url": url, "token": reader},
        {"name": "bad", "url": url, "token": "hunter2-wrong"},
        {"name": "none", "url": url},
    )
    assert app.syncs.sync("good").commit.sha == commit
    assert len(app.flows.all()) == 1
    with pytest.raises(Stalled, match=r"(?i)authentication failed") as caught:
        app.syncs.sync("bad")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(Stalled, match=r"(?i)could not read username"):
        app.syncs.sync("none")
    config = (app.syncs.shop.folder / "good.git" / "config").read_text()
    assert reader not in config
    assert url not in config


def test_the_token_is_given_to_no_other_host(tmp_path: Path) -> None:
    from pydantic import SecretStr

    from mainstem.gitsync import access
    from mainstem.settings_git import GitSource

    source = GitSource(name="t", url="https://git.example.com/x/y", token=SecretStr("hunter2"))
    address = check_url(source.url, allow_file=False)
    token = source.token
    assert token is not None
    with access.opened(source, address, lambda _source: token.get_secret_value()) as granted:
        assert not any("hunter2" in option for option in granted.options)

        def asked(host: str, protocol: str = "https") -> str:
            done = subprocess.run(
                Git.command(["credential", "fill"], None, granted.options),
                input=f"protocol={protocol}\nhost={host}\n\n",
                env=Git({"PATH": os.environ["PATH"]}).environment(granted.environment),
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            return done.stdout

        assert "password=hunter2" in asked("git.example.com")
        assert "hunter2" not in asked("evil.example.com")
        assert "hunter2" not in asked("git.example.com", "http")
        assert "hunter2" not in asked("git.example.com:8443")


def test_nothing_of_the_users_own_configuration_takes_part(
    repository: Repository, make_synced: Make, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    mark = tmp_path / "ran"
    hook = tmp_path / "hooks"
    hook.mkdir()
    script = hook / "reference-transaction"
    script.write_text(f"#!/bin/sh\ntouch {mark}\n")
    script.chmod(0o755)
    (home / ".gitconfig").write_text(
        f"[core]\n\thooksPath = {hook}\n\tsshCommand = touch {mark}\n"
        f'[url "file:///nowhere"]\n\tinsteadOf = file://{repository.folder}\n'
    )
    os.environ["HOME"], before = str(home), os.environ.get("HOME", "")
    try:
        repository.commit({"flows/hello.yaml": flow()})
        assert make_synced().syncs.sync("team").applied
    finally:
        os.environ["HOME"] = before
    assert not mark.exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/x/y", "ftp://example.com/x", "https://", "https://a:b@example.com/x",
        "ssh://-oProxyCommand=touch@host/x", "ssh://-oProxyCommand=x/y", "-u@host:path",
        "git@host:-path", "https://exa mple.com/x", "file://host/x", "ext::sh", "fd::17",
        "https://example.com/x\n", "ssh://user:pw@host/x", "../x", "x",
    ],
)  # fmt: skip
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="not an address to sync from"):
        check_url(url, allow_file=True)


@pytest.mark.parametrize(
    ("url", "scheme"),
    [
        ("https://github.com/a/b.git", "https"), ("ssh://git@github.com:22/a/b", "ssh"),
        ("git@github.com:a/b.git", "ssh"), ("http://127.0.0.1:3000/a/b", "http"),
        ("http://[::1]:3000/a", "http"), ("/srv/flows", "file"), ("file:///srv/flows", "file"),
    ],
)  # fmt: skip
def test_addresses_that_are_accepted(url: str, scheme: str) -> None:
    assert check_url(url, allow_file=True).scheme == scheme
