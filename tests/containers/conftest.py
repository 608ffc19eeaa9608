"""A Docker daemon of the tests' own, with a small image made of local files."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.conftest import make_app

__all__ = ["IMAGE", "docker_host", "make_app"]

DOCKERFILE = """
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
"""
IMAGE = "local/busybox:1"


@pytest.fixture(scope="session")
def docker_host() -> Iterator[str]:
    """The daemon's address; skips, loudly, where no daemon can be started."""
    if shutil.which("dockerd") is None or not Path("/bin/busybox").is_file():
        pytest.skip("dockerd and a static busybox are needed (docker.io, busybox-static)")
    folder = Path(tempfile.mkdtemp(prefix="docker-"))
    host = f"unix://{folder}/docker.sock"
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(
            ["dockerd", "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"),
             "-p", str(folder / "pid"), "-H", host],
            stdout=log,
            stderr=log,
        )  # fmt: skip
    try:
        _wait(host, daemon, folder)
        _build(host, folder)
        yield host
    finally:
        daemon.terminate()
        daemon.wait(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(host: str, daemon: "subprocess.Popen[bytes]", folder: Path) -> None:
    for _ in range(120):
        if daemon.poll() is not None:
            pytest.skip(f"dockerd does not start here: {(folder / 'log').read_text()[-400:]}")
        asked = subprocess.run(["docker", "-H", host, "info"], capture_output=True, check=False)
        if asked.returncode == 0:
            return
        try:
            daemon.wait(0.5)
        except subprocess.TimeoutExpired:
            continue
    pytest.fail("dockerd did not answer within a minute")


def _build(host: str, folder: Path) -> None:
    context = folder / "image"
    context.mkdir()
    shutil.copy("/bin/busybox", context / "busybox")
    (context / "Dockerfile").write_text(DOCKERFILE)
    subprocess.run(
        ["docker", "-H", host, "build", "--quiet", "--tag", IMAGE, str(context)],
        capture_output=True,
        check=True,
        env={"DOCKER_BUILDKIT": "0", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
    )
