"""A Docker daemon of the tests' own, with a small image made of local files."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.conftest import make_app

__all__ = ["IMAGE", "docker", "docker_host", "make_app", "python_image", "server_image"]

ROOT = Path(__file__).parents[2]
IMAGES = Path(__file__).parent / "images"
PYTHON_IMAGE = "local/python:3"

DOCKERFILE = """
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
"""
IMAGE = "local/busybox:1"


@pytest.fixture
def database() -> dict[str, object]:
    """Settings of the embedded database."""
    return {}


@pytest.fixture(scope="session")
def docker_host() -> Iterator[str]:
    """The daemon's address; skips, loudly, where no daemon can be started.

    MAINSTEM_TEST_DOCKER_HOST names a daemon to use instead, whose images are then built on.
    """
    if given := os.environ.get("MAINSTEM_TEST_DOCKER_HOST"):
        yield given
        return
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


def docker(host: str, *arguments: str, **environment: str) -> str:
    """The output of one docker command; fails with what the command said."""
    done = subprocess.run(
        ["docker", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "DOCKER_HOST": host, "DOCKER_BUILDKIT": "0", **environment},
    )
    assert done.returncode == 0, (
        f"docker {arguments[0]}: {done.stdout[-2000:]}{done.stderr[-3000:]}"
    )
    return done.stdout.strip()


@pytest.fixture(scope="session")
def python_image(docker_host: str) -> str:
    """A base image of this machine's own Python and Git."""
    run_script(docker_host, "python-base.sh", PYTHON_IMAGE)
    return PYTHON_IMAGE


@pytest.fixture(scope="session")
def server_image(docker_host: str, python_image: str) -> str:
    """The product's image, with the extras it has by default."""
    return build_server(docker_host, python_image, "mainstem:test")


def build_server(host: str, base: str, tag: str, *arguments: str) -> str:
    docker(
        host, "build", "--quiet", "--network", "host", "--build-arg", f"BASE_IMAGE={base}",
        *arguments, "--tag", tag, ".",
    )  # fmt: skip
    return tag


def run_script(host: str, name: str, *arguments: str) -> None:
    done = subprocess.run(
        [str(IMAGES / name), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DOCKER_HOST": host},
    )
    assert done.returncode == 0, f"{name}: {done.stderr[-3000:]}"


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
