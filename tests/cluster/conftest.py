"""Servers that share one PostgreSQL database: in one process, or as processes of their own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mainstem.app import App
from mainstem.settings import load_settings

QUICK = {"cluster.lease_seconds": 1.0, "cluster.lost_seconds": 1.5, "server.grace_seconds": 0.0}


@pytest.fixture
def make_node(tmp_path: Path, postgres_url: str) -> Iterator[Callable[..., App]]:
    """Apps on one database and one storage, each with a state folder of its own."""
    made: list[App] = []

    def make(name: str, *roles: str, **overrides: object) -> App:
        given = {
            "state_dir": str(tmp_path / name),
            "storage.path": str(tmp_path / "storage"),
            "secrets.key_file": str(tmp_path / "master.key"),
            "database.url": postgres_url,
            "database.pool_size": 4,
            "runners.default": "process",
            **QUICK,
            **({"roles": list(roles)} if roles else {}),
            **overrides,
        }
        app = App(
            load_settings(overrides=given, environment={}), environment={"PATH": "/usr/bin:/bin"}
        )
        made.append(app)
        return app

    yield make
    for app in made:
        app.stop()
