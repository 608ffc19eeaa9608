"""Namespace files: an execution reads those of its start; every change is kept."""

import pytest

from mainstem.errors import Conflict, InvalidInput, NotFound
from mainstem.model.state import State
from mainstem.services.executions import NewRun
from mainstem.services.files import Writing
from tests.server.conftest import Server

LONG = """
id: long
namespace: files.pin
tasks:
  - {id: before, type: core.debug.Return, format: "{{ read('a.txt') }}"}
  - {id: stop, type: core.flow.Pause}
  - id: after
    type: core.debug.Return
    format: "{{ read('a.txt') }} {{ fileExists('gone.txt') }} {{ fileExists('new.txt') }}"
  - id: listed
    type: io.kestra.plugin.scripts.shell.Commands
    namespaceFiles: {enabled: true}
    commands: ["cat a.txt gone.txt > out.txt; ls | tr '\\n' ' ' >> out.txt"]
    outputFiles: [out.txt]
    taskRunner: {type: io.kestra.plugin.core.runner.Process}
"""


def test_an_execution_reads_the_files_of_its_start_to_its_end(server: Server) -> None:
    files = server.app.files
    files.write("files.pin", "a.txt", b"one")
    files.write("files.pin", "gone.txt", b"still here")
    execution = server.start(LONG)
    server.wait(execution.id, lambda e: e.state is State.PAUSED)
    files.write("files.pin", "a.txt", b"two")
    files.write("files.pin", "new.txt", b"new")
    files.delete("files.pin", "gone.txt")
    server.app.executions.resume(execution.id)
    ended = server.wait(execution.id)
    assert ended.state is State.SUCCESS, server.logs(ended)
    outputs = server.outputs(ended)
    assert outputs["before"] == {"value": "one"}
    assert outputs["after"] == {"value": "one true false"}
    listed = outputs["listed"] or {}
    uri = listed["outputFiles"]["out.txt"]  # type: ignore[index]
    with server.app.storage.open(uri.removeprefix("kestra:///")) as out:
        assert out.read() == b"onestill herea.txt gone.txt out.txt "
    again = server.app.executions.create(NewRun(ended.flow))
    server.wait(again.id, lambda e: e.state is State.PAUSED)
    assert server.outputs(again)["before"] == {"value": "two"}
    server.app.executions.kill(again.id)


def test_a_restart_reads_what_the_execution_started_with_and_a_replay_what_is_there_now(
    server: Server,
) -> None:
    files = server.app.files
    files.write("files.pin", "a.txt", b"one")
    source = (
        "id: again\nnamespace: files.pin\ntasks:\n"
        "  - {id: said, type: core.log.Log, message: \"{{ read('a.txt') }}\"}\n"
        "  - {id: bad, type: core.execution.Fail}\n"
    )
    failed = server.run(source)
    assert failed.state is State.FAILED
    files.write("files.pin", "a.txt", b"two")
    replayed = server.app.executions.replay(failed.id)
    ended = server.wait(replayed.id)
    assert "INFO two" in server.logs(ended)


def test_an_execution_sees_what_it_wrote_itself(server: Server) -> None:
    source = """
id: own
namespace: files.own
tasks:
  - id: up
    type: io.kestra.plugin.core.namespace.UploadFiles
    namespace: files.own
    filesMap: {"made.txt": "{{ inputs.f }}"}
  - {id: said, type: core.debug.Return, format: "{{ read('made.txt') }}"}
inputs: [{id: f, type: FILE}]
"""
    flow = server.save(source)
    run = NewRun(flow, files={"f": ("f.txt", b"mine")})
    ended = server.wait(server.app.executions.create(run).id)
    assert ended.state is State.SUCCESS, server.logs(ended)
    assert server.outputs(ended)["said"] == {"value": "mine"}
    (made,) = server.app.files.revisions("files.own", "made.txt")
    assert (made.execution_id, made.author) == (ended.id, "files.own.own")


def test_every_change_is_kept_and_can_be_restored(server: Server) -> None:
    files = server.app.files
    ada = Writing("ada", "first")
    files.write("h", "x.sql", b"select 1", ada)
    files.write("h", "x.sql", b"select 1", ada)
    files.write("h", "x.sql", b"select 2")
    files.delete("h", "x.sql")
    history = files.revisions("h", "x.sql")
    assert [(item.revision, item.size) for item in history] == [(3, 0), (2, 8), (1, 8)]
    with pytest.raises(NotFound):
        files.revision("h", "x.sql", 3)
    files.restore("h", "x.sql", 1, Writing("bob"))
    assert files.read("h", "x.sql") == b"select 1"
    newest = files.revisions("h", "x.sql")[0]
    assert (newest.author, newest.message) == ("bob", "restored revision 1")


def test_a_folder_moves_with_what_lies_below_it(server: Server) -> None:
    files = server.app.files
    files.write_all("m", {"a/x": b"1", "a/b/y": b"2", "ab": b"3"})
    assert files.move("m", "a", "c/d") == 2
    assert [f.path for f in files.of_namespace("m")] == ["ab", "c/d/b/y", "c/d/x"]
    assert files.read("m", "c/d/b/y") == b"2"
    with pytest.raises(InvalidInput, match="below itself"):
        files.move("m", "c", "c/e")
    with pytest.raises(Conflict, match="exists already"):
        files.move("m", "c/d/x", "ab")
    with pytest.raises(NotFound):
        files.move("m", "nothing", "z")


def test_a_file_cannot_lie_where_a_folder_is(server: Server) -> None:
    files = server.app.files
    files.write("p", "a/b", b"")
    for path in ("a", "a/b/c"):
        with pytest.raises(Conflict):
            files.write("p", path, b"")
    with pytest.raises(Conflict):
        files.write_all("p", {"x": b"", "x/y": b""})


@pytest.mark.parametrize(
    "path", ["", "/", "../x", "a/../../x", "a\x00b", "a/..", "x" * 300, "a\nb", "y/" * 600]
)
def test_a_path_that_leaves_the_namespace_is_refused(server: Server, path: str) -> None:
    with pytest.raises(InvalidInput):
        server.app.files.write("q", path, b"")
