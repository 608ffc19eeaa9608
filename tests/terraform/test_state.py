"""What Terraform keeps holds no secret."""

import json
from pathlib import Path

import pytest

from tests.terraform.test_rules import PUBLIC
from tests.terraform.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("example", ["small", "standard"])
def test_applied_twice_nothing_changes_and_no_value_is_kept(copy: Workspace, example: str) -> None:
    where = f"examples/{example}"
    (copy.folder / where / "given.auto.tfvars.json").write_text(json.dumps(PUBLIC))
    first = copy.run(where, "apply", "-no-color", "-input=false", "-auto-approve")
    assert first, first.output
    again = copy.run(where, "plan", "-no-color", "-input=false", "-detailed-exitcode")
    assert again.code == 0, f"a second apply would change something:\n{again.output}"

    state = json.loads((copy.folder / where / "terraform.tfstate").read_text())
    versions = [
        instance["attributes"]
        for resource in state["resources"]
        if resource["type"] == "google_secret_manager_secret_version"
        for instance in resource["instances"]
    ]
    assert len(versions) == 3
    assert {(v["secret_data"], v["secret_data_wo"]) for v in versions} == {(None, None)}
    assert not [r for r in state["resources"] if r["type"] == "random_password"]
    assert "PRIVATE KEY" not in Path(copy.folder / where / "terraform.tfstate").read_text()
