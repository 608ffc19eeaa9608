"""Commands that need no running server: exit codes, output for people and for programs."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from mainstem import __version__
from mainstem.cli.main import COMMANDS, main

GOOD = (
    "id: good\nnamespace: demo\ntasks:\n  - {id: a, type: core.log.Log, message: 'hello there'}\n"
)
BAD = "id: bad\nnamespace: demo\ntasks:\n  - id: a\n    type: core.log.Lug\n"


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "good.yaml").write_text(GOOD)
    (folder / "good.test.yaml").write_text("not: a flow")
    (folder / "readme.md").write_text("# no flow")
    return folder


def options(tmp_path: Path) -> list[str]:
    return ["--state", str(tmp_path / "state"), "--set", "runners.default=process"]


def test_good_flows_pass_the_check(flows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(flows)]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "1 file checked, 0 errors\n")
    assert main(["check", str(flows), "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_a_problem_is_printed_with_its_line_and_column(
    flows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (flows / "bad.yml").write_text(BAD)
    assert main(["check", str(flows)]) == 1
    assert f"{flows}/bad.yml:5:" in capsys.readouterr().out
    assert main(["check", "--json", str(flows / "bad.yml")]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["files"] == 1
    assert (told["problems"][0]["line"], told["problems"][0]["severity"]) == (5, "error")


def test_unreadable_and_doubled_files_are_problems(
    flows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (flows / "twin.yaml").write_text(GOOD)
    (flows / "binary.yaml").write_bytes(b"\xff")
    (flows / "huge.yaml").write_text(" " * 2_000_001)
    assert main(["check", str(flows)]) == 1
    told = capsys.readouterr().out
    for text in ("is also in", "not UTF-8", "larger than"):
        assert text in told
    assert main(["check", str(flows / "missing.yaml")]) == 1
    assert "no such file" in capsys.readouterr().err


def test_a_run_prints_its_lines_and_its_exit_code_follows_the_state(
    tmp_path: Path, flows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *options(tmp_path), str(flows / "good.yaml")]) == 0
    told = capsys.readouterr()
    assert "INFO  a: hello there" in told.out
    assert told.err.endswith("SUCCESS\n")
    assert main(["run", "--quiet", *options(tmp_path), "demo.good"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("task", "code"),
    [
        ("{id: a, type: core.execution.Fail}", 1),
        ("{id: a, type: core.execution.Fail, allowFailure: true}", 0),
        ("{id: a, type: core.flow.Pause}", 75),
    ],
)
def test_the_exit_code_of_a_run(tmp_path: Path, task: str, code: int) -> None:
    (tmp_path / "f.yaml").write_text(f"id: f\nnamespace: demo\ntasks:\n  - {task}\n")
    assert main(["run", *options(tmp_path), str(tmp_path / "f.yaml")]) == code


def test_a_run_takes_inputs_files_and_labels(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data.csv").write_text("1,2")
    (tmp_path / "f.yaml").write_text(
        "id: f\nnamespace: demo\ninputs: [{id: n, type: INT}, {id: f, type: FILE}]\ntasks:\n"
        "  - id: a\n    type: core.log.Log\n"
        "    message: '{{ inputs.n + 1 }} {{ read(inputs.f) }} {{ labels.team }}'\n"
    )
    given = ["-i", "n=41", "-f", f"f={tmp_path / 'data.csv'}", "-l", "team=a"]
    assert main(["run", *options(tmp_path), str(tmp_path / "f.yaml"), *given]) == 0
    assert "a: 42 1,2 a" in capsys.readouterr().out
    for bad, said in (
        (["-i", "n=many"], "n"), (["-i", "n"], "key=value"), (["-f", "f=/nowhere"], "cannot be"),
        (["-l", "system.x=y", "-i", "n=1"], "System labels"),
    ):  # fmt: skip
        assert main(["run", *options(tmp_path), str(tmp_path / "f.yaml"), *bad]) == 1
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "said"), [("demo.nobody", "no flow demo.nobody"), ("nobody", "neither a file")]
)
def test_an_unknown_flow_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    assert main(["run", *options(tmp_path), name]) == 1
    assert said in capsys.readouterr().err


def test_more_lines_than_one_look_takes_are_all_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "f.yaml").write_text(
        "id: f\nnamespace: demo\ntasks:\n"
        "  - {id: a, type: scripts.shell.Commands, commands: ['seq 1 2500']}\n"
    )
    assert main(["run", *options(tmp_path), str(tmp_path / "f.yaml")]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.split()[-1].isdigit()]
    assert [int(line.split()[-1]) for line in lines] == list(range(1, 2501))


def test_an_interrupt_kills_the_execution(tmp_path: Path) -> None:
    started = tmp_path / "started"
    (tmp_path / "f.yaml").write_text(
        "id: f\nnamespace: demo\ntasks:\n  - id: a\n    type: scripts.shell.Commands\n"
        f"    commands: ['echo begun; touch {started}; sleep 600']\n"
    )
    command = [sys.executable, "-m", "mainstem", "run", *options(tmp_path), "f.yaml"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        while "begun" not in child.stdout.readline():
            assert child.poll() is None
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
    assert child.returncode == 137
    assert said.endswith("KILLED\n")


def test_settings_are_printed_without_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(
        "database: {url: 'postgresql://u:hunter2@h/d'}\n"
        "git:\n  sources:\n    - {name: main, url: 'https://u:hunter2@h/r.git', token: hunter2}\n"
    )
    assert main(["settings", "--config", str(file), "--set", "worker.threads=3"]) == 0
    told = capsys.readouterr().out
    assert "threads: 3" in told
    assert "h/r.git" in told
    assert "hunter2" not in told
    for bad in ("worker.thread=3", "worker.threads"):
        assert main(["settings", "--set", bad]) == 1


def test_the_schema_of_flows_is_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"].startswith(("http://json-schema.org/", "https://json-schema.org/"))
    assert {"id", "namespace", "tasks"} <= set(schema["required"])
    known = set(schema.get("$defs", schema.get("definitions", {})))
    references: list[str] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                references.append(node["$ref"])
            for value in node.values():
                walk(value)
        if isinstance(node, list):
            for value in node:
                walk(value)

    walk(schema)
    assert references
    assert {name.rpartition("/")[2] for name in references} <= known


def test_the_version_is_printed_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"
    with pytest.raises(SystemExit) as done:
        main(["--version"])
    assert done.value.code == 0


def test_a_wrong_call_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "COMMAND" in capsys.readouterr().out
    for wrong in (["nonsense"], ["backfill"], ["kv"], ["run", "--nonsense", "x"]):
        with pytest.raises(SystemExit) as done:
            main(wrong)
        assert done.value.code == 2


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "local-gcp"])
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main([name, "--help"])
    assert done.value.code == 0
    assert "usage: mainstem" in capsys.readouterr().out


def test_a_port_in_use_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["up", *options(tmp_path), "--port", str(port)]) == 1
    assert f"port {port}" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error(flows: Path) -> None:
    for number in range(400):
        (flows / f"bad{number}.yaml").write_text(BAD)
    command = [sys.executable, "-m", "mainstem", "check", str(flows)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.close()
        assert child.stderr is not None
        assert b"Traceback" not in child.stderr.read()


TEST_OF_GOOD = """id: good_tests
namespace: demo
flowId: good
testCases:
  - id: it_says_hello
    type: io.kestra.core.tests.flow.UnitTest
    assertions:
      - {value: "{{ logs }}", contains: hello there}
  - id: it_says_bye
    type: io.kestra.core.tests.flow.UnitTest
    assertions:
      - {value: "{{ logs }}", contains: bye}
  - id: later
    type: io.kestra.core.tests.flow.UnitTest
    disabled: true
    assertions:
      - {value: x, equalTo: y}
"""


def test_tests_of_flows_are_printed_as_a_test_runner_prints(
    flows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (flows / "good.test.yaml").write_text(TEST_OF_GOOD)
    report = tmp_path / "report.xml"
    assert main(["check", "--tests", "--junit", str(report), str(flows)]) == 1
    told = capsys.readouterr()
    assert "  ok    it_says_hello (" in told.out
    assert "  FAIL  it_says_bye (" in told.out
    assert f"{flows}/good.test.yaml:12:41: test `it_says_bye`: expected contains" in told.out
    assert "1 passed, 1 failed, 1 skipped in " in told.err
    suite = ElementTree.parse(report).getroot()[0]
    assert {key: suite.get(key) for key in ("tests", "failures", "skipped")} == {
        "tests": "3",
        "failures": "1",
        "skipped": "1",
    }
    assert [case.get("name") for case in suite if len(case)] == ["it_says_bye", "later"]


def test_results_of_tests_as_json(flows: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = flows / "good.test.yaml"
    file.write_text(TEST_OF_GOOD.replace("contains: bye", "contains: hello"))
    assert main(["check", "--tests", "--json", str(file)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [item["state"] for item in told["tests"][0]["results"]] == [
        "SUCCESS",
        "SUCCESS",
        "SKIPPED",
    ]


def test_tests_of_flows_read_the_namespace_files_of_the_repository(
    flows: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "files" / "demo").mkdir(parents=True)
    (tmp_path / "files" / "demo" / "greeting.txt").write_text("from a file")
    (flows / "good.yaml").write_text(GOOD.replace("hello there", '{{ read("greeting.txt") }}'))
    (flows / "good.test.yaml").write_text(
        TEST_OF_GOOD.replace("hello there", "from a file").replace("contains: bye", "contains: a f")
    )
    assert main(["check", "--tests", "--root", str(tmp_path), str(flows)]) == 0, (
        capsys.readouterr().out
    )
