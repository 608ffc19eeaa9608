"""The stand-ins and an initialised copy of the modules, once for all tests."""

import shutil
from pathlib import Path

import pytest

from tests.terraform.workspace import SOURCE, Plugins, Workspace, directories, make_plugins, missing


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Plugins:
    lacking = missing()
    if lacking:
        pytest.skip(lacking)
    return make_plugins(tmp_path_factory.mktemp("providers"))


@pytest.fixture(scope="session")
def initialised(plugins: Plugins, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Every module and example initialised; tests that change something copy it first."""
    folder = tmp_path_factory.mktemp("terraform") / "copy"
    shutil.copytree(SOURCE, folder)
    workspace = Workspace(folder, plugins)
    for where in directories():
        done = workspace.init(where)
        assert done, f"{where}: {done.output}"
    return workspace


@pytest.fixture
def copy(initialised: Workspace, tmp_path: Path) -> Workspace:
    return initialised.copy(tmp_path / "copy")
