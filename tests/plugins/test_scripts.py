"""Shell and Python tasks as processes of this machine."""

import os
import socket
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from mainstem.model.state import State
from tests.plugins.bench import Bench, task, written

SHELL = "scripts.shell.Commands"


def test_what_a_script_tells_becomes_outputs_metrics_and_log_lines(bench: Bench) -> None:
    told = (
        """echo '::{"outputs": {"n": 3, "m": {"a": [1]}}}::'
echo '::{"metrics": [{"name": "rows", "type": "counter", "value": 2, "tags": {"of": "x"}}]}::'
echo '::{"logs": [{"level": "WARN", "message": "careful"}]}::'
echo '::{not json}::'
"""
        "echo plain; echo problem >&2"
    )
    found = bench.run(task("scripts.shell.Script", script=told))
    outputs = found.outputs["t"]
    assert outputs["vars"] == {"n": 3, "m": {"a": [1]}}
    assert outputs["exitCode"] == 0
    [metric] = [item.metric for item in found.metrics]
    assert (metric.name, metric.value, metric.tags) == ("rows", 2.0, {"of": "x"})
    assert {"WARN careful", "INFO plain", "WARN problem"} <= set(found.logs)
    assert any("is not valid JSON" in line for line in found.logs)


def test_a_python_script_tells_through_the_module_kestra(bench: Bench) -> None:
    script = (
        "from kestra import Kestra\n"
        "Kestra.outputs({'total': 1 + 1})\n"
        "Kestra.counter('seen', 4, {'of': 'rows'})\n"
        "Kestra.logger().info('through the logger')\n"
    )
    found = bench.run(task("scripts.python.Script", script=script))
    assert found.outputs["t"]["vars"] == {"total": 2}
    assert [(m.metric.name, m.metric.value) for m in found.metrics] == [("seen", 4.0)]
    assert "INFO through the logger" in found.logs


def test_files_come_in_and_go_out_by_name_uri_and_glob(bench: Bench) -> None:
    bench.put_file("queries/q.sql", "select 1")
    found = bench.run(
        written("stored"),
        task(
            SHELL,
            namespaceFiles={"enabled": True, "include": ["queries/**"]},
            inputFiles={"in/{{ flow.namespace }}.txt": "for {{ task.id }}",
                        "stored.txt": "{{ outputs.file.uri }}"},
            outputFiles=["out/**", "*.log"],
            commands=["mkdir -p out/deep", "cat in/*.txt stored.txt queries/q.sql > out/deep/all",
                      "echo done > a.log", "echo secret > b.tmp"],
        ),
    )  # fmt: skip
    files = found.outputs["t"]["outputFiles"]
    assert sorted(files) == ["a.log", "out/deep/all"]
    assert found.text(files["out/deep/all"]) == "for tstoredselect 1"


@pytest.mark.parametrize("name", ["../out.txt", "a/../../out.txt", "."])
def test_an_input_file_cannot_leave_the_working_directory(bench: Bench, name: str) -> None:
    found = bench.run(task(SHELL, inputFiles={name: "x"}, commands=["true"]))
    assert found.state is State.FAILED
    assert "leaves the working directory" in found.errors


def test_a_link_that_leaves_the_working_directory_is_no_output(bench: Bench) -> None:
    commands = ["ln -s /etc/hostname link.txt", "echo x > own.txt"]
    found = bench.run(task(SHELL, outputFiles=["*.txt"], commands=commands))
    assert list(found.outputs["t"]["outputFiles"]) == ["own.txt"]


def test_variables_of_the_environment_are_rendered_and_the_servers_secrets_stay_out(
    bench: Bench,
) -> None:
    found = bench.run(
        task(SHELL, env={"A": "{{ flow.id }}", "N": 5}, commands=["echo $A-$N", "env"])
    )
    assert f"INFO {found.execution.flow.id}-5" in found.logs
    assert not any("MAINSTEM_" in line or "SECRET_" in line for line in found.logs)


def test_a_failing_command_fails_the_task_with_its_code_and_last_words(bench: Bench) -> None:
    found = bench.run(task(SHELL, commands=["echo before", "echo broken >&2; exit 3", "echo no"]))
    assert found.state is State.FAILED
    assert "ERROR Command failed with exit code 3: broken" in found.logs
    assert "INFO no" not in found.logs
    assert found.outputs["t"]["exitCode"] == 3


def test_without_fail_fast_the_last_command_decides(bench: Bench) -> None:
    found = bench.run(task(SHELL, failFast=False, commands=["false", "echo after"]))
    assert found.state is State.SUCCESS
    assert "INFO after" in found.logs


def test_lines_on_standard_error_warn_if_asked(bench: Bench) -> None:
    found = bench.run(task(SHELL, warningOnStdErr=True, commands=["echo hm >&2"]))
    assert found.state is State.WARNING


def test_a_killed_execution_ends_the_whole_group_of_processes(bench: Bench, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    commands = [f"sleep 600 & echo $$ $! > {pids}; wait"]
    execution = bench.start(task(SHELL, commands=commands))
    group = [int(text) for text in pids.read_text().split()]
    bench.app.executions.kill(execution.id)
    assert bench.ended(execution).state is State.KILLED
    for pid in group:
        assert not Path(f"/proc/{pid}/cmdline").exists() or not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_timeout_ends_the_command_and_says_so(bench: Bench) -> None:
    found = bench.run(task(SHELL, timeout="PT0.3S", commands=["sleep 600"]))
    assert found.state is State.FAILED
    assert "Timeout" in found.errors


def test_a_missing_program_says_where_it_must_be(bench: Bench) -> None:
    found = bench.run(task(SHELL, interpreter=["no-such-shell"], commands=["true"]))
    assert "`no-such-shell` is not installed on this worker" in found.errors


def test_python_runs_with_dependencies_of_its_own(bench: Bench, tmp_path: Path) -> None:
    wheel = _wheel(tmp_path, "mainstem_probe", "ANSWER = 42\n")
    found = bench.run(
        task(
            "scripts.python.Script",
            dependencies=[str(wheel)],
            beforeCommands=["echo ready"],
            script="import mainstem_probe\nprint(mainstem_probe.ANSWER)",
        )
    )
    assert {"INFO ready", "INFO 42"} <= set(found.logs), found.logs
    missing = tmp_path / "missing-1-py3-none-any.whl"
    failed = bench.run(task("scripts.python.Script", dependencies=[str(missing)], script="x"))
    assert f"the dependencies {missing} cannot be installed" in failed.errors


def _wheel(folder: Path, name: str, source: str) -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", source)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n"
                       "Tag: py3-none-any\n")  # fmt: skip
        wheel.writestr(f"{info}/RECORD", "")
    return path


def _can_mount() -> bool:
    for private in (["--mount"], ["--user", "--map-root-user", "--mount"]):
        trial = ["unshare", *private, "true"]
        if subprocess.run(trial, capture_output=True, check=False).returncode == 0:
            return True
    return False


@pytest.mark.skipif(not _can_mount(), reason="the kernel gives processes no mount namespace here")
def test_a_process_reaches_this_machine_as_host_docker_internal(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        heard: list[bytes] = []

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(100))

        waiting = threading.Thread(target=answer, daemon=True)
        waiting.start()
        script = (
            "import socket\n"
            f"socket.create_connection(('host.docker.internal', {port})).send(b'hello')\n"
        )
        found = bench.run(task("scripts.python.Script", script=script))
        waiting.join(10)
    assert found.state is State.SUCCESS, found.errors
    assert heard == [b"hello"]
    assert "host.docker.internal" not in Path("/etc/hosts").read_text()


def test_the_interpreter_of_a_script_is_a_python(bench: Bench) -> None:
    found = bench.run(task("scripts.python.Commands", commands=["python --version"]))
    assert any(line.startswith("INFO Python 3.") for line in found.logs), sys.executable
