"""A server of its own: the first start, the owner's commands, and signing in over HTTP."""

import json
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Running

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(120)]
Up = Callable[..., Running]
PASSWORD = "correct horse battery"


def command(
    folder: Path, *words: str, typed: str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8", **more}
    return subprocess.run(
        [sys.executable, "-m", "mainstem", *words],
        capture_output=True, text=True, input=typed, cwd=folder, env=environment, check=False,
    )  # fmt: skip


def csrf(page: httpx.Response) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found
    return found[1]


def test_the_printed_link_makes_the_admin_who_then_signs_in(up: Up, tmp_path: Path) -> None:
    server = up()
    link = server.line("First start").split("create the admin at ")[1].strip()
    browser = httpx.Client(base_url=server.web.base_url, trust_env=False, follow_redirects=False)
    assert browser.get("/ui/").headers["location"] == "/ui/login"
    page = browser.get(link)
    form = {"csrf": csrf(page), "name": "ada", "password": PASSWORD, "again": PASSWORD}
    own = {"origin": str(server.web.base_url).rstrip("/")}
    made = browser.post(link, data=form, headers=own)
    assert made.status_code == 303
    cookie = made.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert browser.get("/ui/").status_code == 200
    assert browser.get(link).status_code == 404, "it works once"
    assert browser.get("/api/v1/me").json()["name"] == "ada"
    assert httpx.get(f"{server.web.base_url}/api/v1/me", auth=("ada", PASSWORD)).status_code == 200
    browser.close()
    server.end(signal.SIGTERM)
    again = up()
    assert "First start" not in (again.greeting or "")


def test_commands_of_the_owner_need_no_credentials_and_others_do(up: Up, tmp_path: Path) -> None:
    server = up()
    url = str(server.web.base_url).rstrip("/")
    state = tmp_path / "state"
    assert stat.S_IMODE((state / "local.json").stat().st_mode) == 0o600
    owner = ["--server", url, "--state", str(state)]
    assert command(tmp_path, "kv", *owner, "set", "demo", "name", "Ada").returncode == 0
    assert command(tmp_path, "kv", *owner, "get", "demo", "name").stdout == "Ada\n"
    same_user = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    found = command(tmp_path, "kv", "--server", url, "get", "demo", "name", **same_user)
    assert found.stdout == "Ada\n", "the user's folder knows the state folder of the port"
    refused = command(tmp_path, "kv", "--server", url, "get", "demo", "name")
    assert refused.returncode == 1
    assert "mainstem login" in refused.stderr
    other = f"http://127.0.0.1:{int(url.rpartition(':')[2]) - 1}"
    assert command(tmp_path, "kv", "--server", other, "--state", str(state), "list", "x").returncode

    words = ["user", "--state", str(state), "add", "ada", "--password-file", "-"]
    assert command(tmp_path, *words, typed=PASSWORD + "\n").returncode == 0
    listed = command(tmp_path, "user", "--state", str(state), "list").stdout
    assert listed == "ada\tadmin in the whole server\n"
    login = command(tmp_path, "login", "--server", url, "--user", "ada", typed=PASSWORD + "\n")
    assert login.returncode == 0, login.stderr
    kept = tmp_path / ".config/mainstem/credentials.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert command(tmp_path, "kv", "--server", url, "get", "demo", "name").stdout == "Ada\n"
    token = json.loads(kept.read_text())[url]
    command(tmp_path, "login", "--server", url, "--forget")
    assert command(tmp_path, "kv", "--server", url, "get", "demo", "name").returncode == 1
    (tmp_path / "t").write_text(token)
    words = ["token", "--server", url, "--token-file", str(tmp_path / "t"), "list"]
    assert "mainstem login on" in command(tmp_path, *words).stdout
    server.end(signal.SIGTERM)
    assert not (state / "local.json").exists()


def test_the_settings_can_name_the_first_admin(up: Up, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    server = up(
        "--set", "auth.bootstrap.username=root",
        "--set", f"auth.bootstrap.password_file={tmp_path / 'password'}",
    )  # fmt: skip
    assert "created the user root" in server.greeting
    answer = httpx.get(f"{server.web.base_url}/api/v1/me", auth=("root", PASSWORD))
    assert answer.json()["roles"][0]["role"] == "admin"
