"""Command lines of other products, and scripts in other languages, as processes."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mainstem.model.state import State
from mainstem.plugins.clis.callback import CALLBACK
from tests.plugins.bench import Bench, task

STAND_IN = """#!/bin/sh
echo "$(basename "$0") $*"
env | grep -E '^(TF_|ANSIBLE_|AZURE_|MAINSTEM_)' | sort
"""


@pytest.fixture
def programs(tmp_path: Path) -> str:
    """A folder of programs that only say how they were called."""
    for name in ("terraform", "ansible-playbook", "ansible-galaxy", "az", "spark-submit"):
        path = tmp_path / name
        path.write_text(STAND_IN)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin"


def test_terraform_runs_after_its_preparation_and_asks_nothing(bench: Bench, programs: str) -> None:
    found = bench.run(
        task(
            "terraform.cli.TerraformCLI",
            env={"PATH": programs},
            inputFiles={"main.tf": 'output "flow" { value = "{{ flow.id }}" }'},
            beforeCommands=["terraform init"],
            commands=["terraform apply -auto-approve 2>&1 | tee apply.txt"],
            outputFiles=["*.txt"],
        )
    )
    assert found.state is State.SUCCESS, found.errors
    told = found.text(found.outputs["t"]["outputFiles"]["apply.txt"])
    assert told.splitlines()[0] == "terraform apply -auto-approve"
    assert {"TF_INPUT=0", "TF_IN_AUTOMATION=true"} <= set(told.splitlines())
    assert "INFO terraform init" in found.logs


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("terraform") is None, reason="terraform is not installed")
def test_the_real_terraform_keeps_its_outputs(bench: Bench) -> None:
    source = 'resource "terraform_data" "n" { input = "from {{ flow.namespace }}" }\n' \
             'output "n" { value = terraform_data.n.output }\n'  # fmt: skip
    found = bench.run(
        task(
            "terraform.cli.TerraformCLI",
            inputFiles={"main.tf": source},
            beforeCommands=["terraform init"],
            commands=["terraform apply -auto-approve", "terraform output -json > outputs.json"],
            outputFiles=["outputs.json"],
        )
    )
    assert found.state is State.SUCCESS, found.errors
    told = json.loads(found.text(found.outputs["t"]["outputFiles"]["outputs.json"]))
    assert told["n"]["value"] == "from plugins.test"


def test_ansible_gets_its_configuration_and_requirements(bench: Bench, programs: str) -> None:
    found = bench.run(
        task(
            "ansible.cli.AnsibleCLI",
            env={"PATH": programs},
            inputFiles={"site.yml": "- hosts: all", "requirements.yml": "collections: []"},
            commands=[
                "ansible-playbook site.yml",
                "cat ansible.cfg",
                "ls callback_plugins library",
            ],
            outputsMode="EXPLICIT",
        )
    )
    assert found.state is State.SUCCESS, found.errors
    logs = found.logs
    assert logs.index("INFO ansible-galaxy install -r requirements.yml") < logs.index(
        "INFO ansible-playbook site.yml"
    )
    assert "INFO MAINSTEM_OUTPUTS_MODE=explicit" in logs
    assert "INFO callbacks_enabled = mainstem_outputs" in logs
    assert "INFO mainstem_outputs.py" in logs
    assert "INFO kestra.py" in logs


def test_a_configuration_of_the_flow_stays(bench: Bench, programs: str) -> None:
    found = bench.run(
        task(
            "ansible.cli.AnsibleCLI",
            env={"PATH": programs},
            inputFiles={"ansible.cfg": "[defaults]\nforks = 3\n"},
            commands=["cat ansible.cfg"],
        )
    )
    assert "INFO forks = 3" in found.logs
    assert not any("callbacks_enabled" in line for line in found.logs)


PLAYBOOKS = """
import sys, types
base = types.ModuleType("ansible.plugins.callback")
base.CallbackBase = object
sys.modules["ansible"] = types.ModuleType("ansible")
sys.modules["ansible.plugins"] = types.ModuleType("ansible.plugins")
sys.modules["ansible.plugins.callback"] = base
import mainstem_outputs
made = types.SimpleNamespace

def result(action, **found):
    host = made(get_name=lambda: "web1")
    return made(_result=found, _host=host, _task=made(action=action))

for number in (1, 2):
    told = mainstem_outputs.CallbackModule()
    told.v2_playbook_on_start(made(_file_name=f"/x/{number}.yml"))
    told.v2_playbook_on_play_start(made(get_name=lambda: "play"))
    told.v2_playbook_on_task_start(made(_uuid="u", get_name=lambda: "task"), False)
    told.v2_runner_on_ok(result("debug", msg=f"hello {number}", changed=False))
    told.v2_runner_on_ok(result("kestra", outputs={"n": number}, changed=True))
    told.v2_playbook_on_stats(None)
"""


@pytest.mark.parametrize("mode", ["all", "explicit"])
def test_the_callback_tells_the_results_of_every_playbook(tmp_path: Path, mode: str) -> None:
    (tmp_path / "mainstem_outputs.py").write_text(CALLBACK)
    done = subprocess.run(
        [sys.executable, "-c", PLAYBOOKS],
        cwd=tmp_path,
        env={"MAINSTEM_OUTPUTS_MODE": mode, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout.splitlines()[-1].strip(":"))["outputs"]
    if mode == "explicit":
        assert told["outputs"] == {"n": 2}
    else:
        assert [item.get("msg") for item in told["outputs"]] == ["hello 1", None, "hello 2", None]
    assert [item["name"] for item in told["playbooks"]] == ["1.yml", "2.yml"]
    hosts = told["playbooks"][0]["plays"][0]["tasks"][0]["hosts"]
    assert [(item["host"], item["status"]) for item in hosts] == [
        ("web1", "ok"),
        ("web1", "changed"),
    ]


def test_azure_signs_in_without_the_password_on_the_command_line(
    bench: Bench, programs: str
) -> None:
    bench.set_kv(AZ_PASSWORD="the-azure-password")
    found = bench.run(
        task(
            "azure.cli.AzCLI",
            env={"PATH": programs},
            username="app-id",
            password="{{ kv('AZ_PASSWORD') }}",
            tenant="t1",
            servicePrincipal=True,
            commands=["az group list", "echo set -- $-"],
        )
    )
    assert found.state is State.SUCCESS, found.errors
    lines = [line for line in found.logs if line.startswith("INFO az ")]
    assert lines[-1] == "INFO az group list"
    assert lines[0].startswith("INFO az login -u app-id -p ***")
    assert "the-azure-password" not in "\n".join(found.logs)


@pytest.mark.parametrize(
    ("language", "program", "script"),
    [
        ("node", "node", "console.log('::' + JSON.stringify({outputs: {n: 1 + 1}}) + '::')"),
        ("perl", "perl", 'print "::{\\"outputs\\": {\\"n\\": ", 1 + 1, "}}::\\n";'),
    ],
)
def test_a_script_of_another_language_tells_its_outputs(
    bench: Bench, language: str, program: str, script: str
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    found = bench.run(task(f"scripts.{language}.Script", script=script))
    assert found.state is State.SUCCESS, found.errors
    assert found.outputs["t"]["vars"] == {"n": 2}


@pytest.mark.parametrize(
    ("kind", "properties", "argv"),
    [
        ("ruby.Script", {"script": "puts 1"}, ["ruby", "./mainstem-script.rb"]),
        ("r.Script", {"script": "1"}, ["Rscript", "./mainstem-script.R"]),
        ("go.Script", {"script": "package main"}, ["go", "run", "./mainstem-script.go"]),
        ("jbang.Script", {"script": "1", "extension": ".kt"},
         ["jbang", "--quiet", "./mainstem-script.kt"]),
        ("powershell.Script", {"script": "1"}, ["pwsh", "-NoProfile", "-NonInteractive", "-Command",
         "$ErrorActionPreference = 'Stop'\n./mainstem-script.ps1"]),
    ],
)  # fmt: skip
def test_each_language_is_run_by_its_program(
    bench: Bench, tmp_path: Path, kind: str, properties: dict[str, Any], argv: list[str]
) -> None:
    program = tmp_path / argv[0]
    program.write_text(
        "#!/usr/bin/env python3\nimport json, sys\n"
        "print('::' + json.dumps({'outputs': {'argv': sys.argv[1:]}}) + '::')\n"
    )
    program.chmod(0o755)
    given = dict(properties)
    if argv[0] == "pwsh":  # the interpreter itself is looked up by the worker
        given["interpreter"] = [str(program), *argv[1:-1]]
    env = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    found = bench.run(task(f"scripts.{kind}", env=env, **given))
    assert found.state is State.SUCCESS, found.errors
    assert found.outputs["t"]["vars"]["argv"] == argv[1:]


def test_a_program_that_is_not_there_is_named(bench: Bench) -> None:
    found = bench.run(task("scripts.julia.Commands", commands=["julia-of-nowhere -v"]))
    assert found.state is State.FAILED
    assert "julia-of-nowhere" in found.errors
