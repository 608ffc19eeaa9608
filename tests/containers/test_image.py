"""The product's image, built from its Dockerfile and run for real."""

import json
from collections.abc import Iterator

import pytest

from tests.containers.conftest import docker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MEGABYTE = 1_000_000
LARGEST = 400 * MEGABYTE


@pytest.fixture
def running(docker_host: str, server_image: str) -> Iterator[str]:
    """A container of the image that has become healthy."""
    name = docker(
        docker_host, "run", "--detach", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL",
        "--health-interval", "500ms", server_image,
    )  # fmt: skip
    try:
        docker(
            docker_host, "exec", name, "python", "-c",
            "import time, urllib.request as u\n"
            "for n in range(200):\n"
            "    try: u.urlopen('http://127.0.0.1:8080/health', timeout=2); break\n"
            "    except OSError: time.sleep(0.1)\n"
            "else: raise SystemExit('not healthy within 20 s')",
        )  # fmt: skip
        yield name
    finally:
        docker(docker_host, "rm", "--force", "--volumes", name)


def test_the_image_stays_small(docker_host: str, server_image: str) -> None:
    size = int(docker(docker_host, "image", "inspect", "-f", "{{.Size}}", server_image))
    print(f"{size / MEGABYTE:.0f} MB")
    assert size <= LARGEST


def test_it_runs_as_nobody_special_with_a_health_check(docker_host: str, server_image: str) -> None:
    (image,) = json.loads(docker(docker_host, "image", "inspect", server_image))
    user, _, group = image["Config"]["User"].partition(":")
    assert user.isdigit()
    assert group.isdigit()
    assert int(user) > 0
    assert image["Config"]["Healthcheck"]["Test"]
    assert not [e for e in image["Config"]["Env"] if "PASSWORD" in e or "TOKEN" in e]


def test_it_starts_on_a_read_only_file_system_and_without_privileges(
    docker_host: str, running: str
) -> None:
    assert docker(docker_host, "exec", running, "id", "-u") == "10001"
    first = docker(docker_host, "exec", running, "cat", "/proc/1/cmdline").split("\0")
    assert first[1].endswith("/mainstem")


def test_it_brings_git_and_the_plugins_of_its_extras(docker_host: str, running: str) -> None:
    assert "git version" in docker(docker_host, "exec", running, "git", "--version")
    names = "google.cloud.bigquery, google.cloud.storage, psycopg, docker, docker.types"
    docker(docker_host, "exec", running, "python", "-c", f"import {names}")


def test_a_stop_drains_and_ends_well(docker_host: str, running: str) -> None:
    docker(docker_host, "stop", "--time", "30", running)
    ended = json.loads(docker(docker_host, "inspect", "-f", "{{json .State}}", running))
    assert (ended["ExitCode"], ended["OOMKilled"]) == (0, False)


def test_a_wrong_setting_is_named_before_anything_starts(
    docker_host: str, server_image: str
) -> None:
    shown = docker(
        docker_host, "run", "--rm", "--entrypoint", "sh", server_image, "-c",
        "MAINSTEM_WORKER__THREDS=4 mainstem up 2>&1; echo exit=$?",
    )  # fmt: skip
    assert "worker.threds" in shown
    assert "exit=0" not in shown
    assert "Traceback" not in shown
