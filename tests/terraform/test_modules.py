"""Modules and examples: formatted, valid against google's schema, and their own tests pass.

What passes is schema-validated against the version that the stand-in names, and not accepted by
Google: names, ranges and conflicts that only Google knows are left to the modules' own rules.
"""

import re
from pathlib import Path

import pytest

from tests.terraform.workspace import SOURCE, Plugins, Workspace, directories

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_everything_is_formatted(initialised: Workspace) -> None:
    done = initialised.run(".", "fmt", "-check", "-recursive", "-diff", str(SOURCE))
    assert done, done.output


@pytest.mark.parametrize("where", directories())
def test_it_is_valid(initialised: Workspace, where: str) -> None:
    done = initialised.validate(where)
    assert done, done.output


@pytest.mark.parametrize("where", [d for d in directories() if d != "modules/apis"])
def test_its_own_tests_pass(initialised: Workspace, where: str) -> None:
    done = initialised.test(where)
    assert done, done.output
    assert re.search(r"Success! [1-9]\d* passed, 0 failed", done.output), done.output


def test_the_stand_in_is_of_the_version_that_the_modules_ask_for(plugins: Plugins) -> None:
    assert plugins.versions["google"].startswith("8.")
    assert plugins.versions["random"].startswith("3.")


def test_no_lock_file_of_a_stand_in_is_in_the_repository() -> None:
    assert [*SOURCE.rglob(".terraform.lock.hcl"), *SOURCE.rglob("*.tfstate")] == []


@pytest.mark.parametrize("where", directories())
def test_every_variable_and_output_says_what_it_is(where: str) -> None:
    for name in ("variables.tf", "outputs.tf"):
        file: Path = SOURCE / where / name
        if not file.exists():
            continue
        text = file.read_text()
        blocks = text.count("\nvariable ") + text.startswith("variable ")
        blocks += text.count("\noutput ") + text.startswith("output ")
        assert text.count("  description ") >= blocks, f"{where}/{name}"
