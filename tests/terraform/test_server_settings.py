"""The environment that Terraform gives is one that the server takes."""

import json
from pathlib import Path
from typing import Any

import pytest

from mainstem.services.seed import read_seeds
from mainstem.settings import Settings, load_settings
from tests.terraform.test_rules import BASE, PUBLIC
from tests.terraform.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SOURCES: dict[str, dict[str, Any]] = {
    "pushed": {},
    "https": {"url": "https://github.com/acme/flows", "credential": "token", "username": "x"},
    "ssh": {
        "url": "git@github.com:acme/flows.git",
        "credential": "ssh_key",
        "known_hosts": [
            "github.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5"
        ],
    },
}


def environment_of(copy: Workspace, example: str, given: dict[str, Any]) -> dict[str, str]:
    """Applied against the stand-in, so that what is known after apply is known."""
    where = f"examples/{example}"
    (copy.folder / where / "given.auto.tfvars.json").write_text(json.dumps(given))
    done = copy.run(where, "apply", "-no-color", "-input=false", "-auto-approve")
    assert done, done.output
    outputs = json.loads(copy.run(where, "output", "-json").output)
    found: dict[str, str] = outputs["environment"]["value"]
    return found


def settings_of(environment: dict[str, str], secrets: Path) -> Settings:
    """As the server reads it, with the mounted secrets in a folder of the test's."""
    for name in ("admin-password", "webhook-secret", "git-credential", "master-key"):
        (secrets / name).mkdir(parents=True, exist_ok=True)
        (secrets / name / "value").write_text("k" * 32)
    moved = {k: v.replace("/secrets/", f"{secrets}/") for k, v in environment.items()}
    return load_settings(environment=moved)


@pytest.mark.parametrize(
    ("example", "source"),
    [("small", "pushed"), ("small", "ssh"), ("standard", "https")],
)
def test_the_server_takes_every_setting(
    copy: Workspace, tmp_path: Path, example: str, source: str
) -> None:
    given = {**PUBLIC, "git": SOURCES[source]}
    environment = environment_of(copy, example, given)
    settings = settings_of(environment, tmp_path / "secrets")
    assert settings.auth.mode == "users"
    assert settings.auth.iap.audience is not None
    assert settings.server.base_url == "https://flows.example.com"
    assert settings.storage.bucket == "acme-data-1-mainstem-state"
    found = settings.git.sources[0]
    assert (found.push, bool(found.url)) == ((True, False) if source == "pushed" else (False, True))
    if source == "ssh":
        assert found.ssh_key is not None
        assert found.ssh_key.get_secret_value() == "k" * 32
    seeds = {seed.key: seed.value for seed in read_seeds(settings.seed.kv)}
    assert seeds["GCP_PROJECT_ID"] == "acme-data-1"
    assert seeds["GCP_CREDS"] == ""
    assert "k" * 32 not in json.dumps(environment)


def test_the_private_forms_differ_in_their_database(copy: Workspace, tmp_path: Path) -> None:
    small = settings_of(environment_of(copy, "small", dict(BASE)), tmp_path / "a")
    standard = settings_of(environment_of(copy, "standard", dict(BASE)), tmp_path / "b")
    assert small.database.url is None
    assert standard.database_url.startswith("postgresql://mainstem-server")
    assert small.auth.iap.audience is standard.auth.iap.audience is None
