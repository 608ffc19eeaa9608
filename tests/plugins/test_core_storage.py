"""Core tasks over files: internal storage, working directory, namespaces, the state store."""

import json

import pytest

from mainstem.model.state import State
from mainstem.sdk.globs import working_files
from tests.plugins.bench import NAMESPACE, Bench, task, written

URI = "{{ outputs.file.uri }}"


def test_files_are_joined_reversed_measured_and_deleted(bench: Bench) -> None:
    found = bench.run(
        written("1\n2\n3", extension=".csv"),
        task("core.storage.Reverse", "back", from_=URI),
        task("core.storage.Concat", "joined", files=[URI, "{{ outputs.back.uri }}"], separator="-"),
        task("core.storage.Concat", "as_text", files="{{ [outputs.file.uri] | toJson }}"),
        task("core.storage.Size", "size", uri=URI),
        task("core.storage.Delete", "gone", uri=URI),
        task("core.storage.Delete", "twice", uri=URI),
    )
    outputs = found.outputs
    assert found.text(outputs["back"]["uri"]) == "3\n2\n1\n"
    assert outputs["back"]["uri"].endswith(".csv")
    assert found.text(outputs["joined"]["uri"]) == "1\n2\n3-3\n2\n1\n-"
    assert found.text(outputs["as_text"]["uri"]) == "1\n2\n3"
    assert outputs["size"] == {"size": 5}
    assert outputs["gone"]["deleted"] is True
    assert outputs["twice"]["deleted"] is False


def test_a_file_of_another_execution_is_refused(bench: Bench) -> None:
    other = bench.run(written("secret")).outputs["file"]["uri"]
    for kind, name in (("Size", "uri"), ("Delete", "uri"), ("Reverse", "from")):
        assert "didn't belong" in bench.run(task(f"core.storage.{kind}", **{name: other})).errors


@pytest.mark.parametrize("charset", ["UTF-8", "UTF-16LE", "UTF-16BE", "ISO-8859-1"])
def test_reversing_keeps_every_character_of_the_charset(bench: Bench, charset: str) -> None:
    lines = [f"{number} é\u0a0a" if "UTF" in charset else f"{number} é" for number in range(50_000)]
    code = f"open('in.txt','wb').write({'chr(10)'}.join(L).encode('{charset}'))"
    tail = " \\u0a0a".strip() if "UTF" in charset else ""
    script = f"L=[f'{{n}} é{tail}' for n in range(50000)]\n{code}"
    found = bench.run(
        task("scripts.python.Script", "make", script=script, outputFiles=["in.txt"]),
        task(
            "core.storage.Reverse",
            from_="{{ outputs.make.outputFiles['in.txt'] }}",
            charset=charset,
        ),
    )
    assert found.state is State.SUCCESS, found.errors
    text = found.read(found.outputs["t"]["uri"]).decode(charset)
    assert text.split("\n")[:-1] == lines[::-1]


def test_a_charset_without_a_byte_order_is_refused(bench: Bench) -> None:
    found = bench.run(written("x"), task("core.storage.Reverse", from_=URI, charset="UTF-16"))
    assert "use utf-16-le or utf-16-be" in found.errors


@pytest.mark.parametrize(
    ("how", "parts"),
    [
        ({"rows": 2}, ["a\nb\n", "c\nd\n", "e\n"]),
        ({"rows": "{{ 3 }}"}, ["a\nb\nc\n", "d\ne\n"]),
        ({"partitions": 2}, ["a\nc\ne\n", "b\nd\n"]),
        ({"bytes": "4B"}, ["a\nb\n", "c\nd\n", "e\n"]),
        ({"bytes": "3B", "rows": 1}, ["a\nb\n", "c\nd\n", "e\n"]),
    ],
)
def test_a_file_is_split(bench: Bench, how: dict[str, object], parts: list[str]) -> None:
    found = bench.run(written("a\nb\nc\nd\ne"), task("core.storage.Split", from_=URI, **how))
    assert [found.text(uri) for uri in found.outputs["t"]["uris"]] == parts


def test_items_are_filtered_and_deduplicated_by_expressions(bench: Bench) -> None:
    rows = [{"k": "a", "n": 1}, {"k": "b", "n": 2}, {"k": "a", "n": 3}, {"k": "c"}]
    found = bench.run(
        written("\n".join(json.dumps(row) for row in rows)),
        task("core.storage.DeduplicateItems", "once", from_=URI, expr="{{ k }}"),
        task(
            "core.storage.FilterItems",
            "odd",
            from_=URI,
            filterCondition="{{ n % 2 == 1 }}",
            errorOrNullBehavior="EXCLUDE",
        ),
        task("core.storage.FilterItems", "fails", from_=URI, filterCondition="{{ n > 0 }}"),
    )
    once, odd = found.outputs["once"], found.outputs["odd"]
    assert [json.loads(line) for line in found.text(once["uri"]).splitlines()] == rows[1:]
    assert (once["numKeys"], once["droppedItemsTotal"]) == (3, 1)
    assert [json.loads(line)["n"] for line in found.text(odd["uri"]).splitlines()] == [1, 3]
    assert "Unable to find `n`" in found.errors


def test_local_files_writes_into_the_working_directory_and_stores_matches(bench: Bench) -> None:
    found = bench.run(
        written("stored"),
        task(
            "core.storage.LocalFiles",
            inputs={"a/one.txt": "{{ flow.id }}", "a/b/two.txt": URI, "three.md": "x"},
            outputs=["a/**", "missing.txt"],
        ),
    )
    uris = found.outputs["t"]["uris"]
    assert {name: found.text(uri) for name, uri in uris.items()} == {
        "a/one.txt": found.execution.flow.id,
        "a/b/two.txt": "stored",
    }
    assert any("`missing.txt`" in line for line in found.logs if line.startswith("WARN"))


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.csv", ["a.csv"]),
        ("**.csv", ["a.csv", "sub/b.csv", "sub/deep/c.csv"]),
        ("**/*.csv", ["a.csv", "sub/b.csv", "sub/deep/c.csv"]),
        ("sub/**", ["sub/b.csv", "sub/deep/c.csv", "sub/d.json"]),
        ("sub/*.{csv,json}", ["sub/b.csv", "sub/d.json"]),
        ("glob:?.csv", ["a.csv"]),
        ("sub/[!a-c].json", ["sub/d.json"]),
        ("regex:sub/.*n", ["sub/d.json"]),
        ("/a.csv", ["a.csv"]),
        ("../*", []),
    ],
)
def test_globs_of_the_working_directory(tmp_path, pattern: str, names: list[str]) -> None:  # type: ignore[no-untyped-def]
    for name in ("a.csv", "sub/b.csv", "sub/deep/c.csv", "sub/d.json"):
        path = tmp_path / "work" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "outside.csv").write_text("")
    (tmp_path / "work" / "link.txt").symlink_to(tmp_path / "outside.csv")
    found = [name for name, _ in working_files(tmp_path / "work", [pattern])]
    assert sorted(found) == sorted(names)


def test_namespace_files_are_uploaded_downloaded_and_deleted(bench: Bench) -> None:
    found = bench.run(
        written("from storage"),
        task(
            "core.flow.WorkingDirectory",
            "folder",
            tasks=[
                task("scripts.shell.Commands", "make", commands=["mkdir q", "echo 1 > q/x.sql"]),
                task(
                    "core.namespace.UploadFiles",
                    "up",
                    namespace="plugins.files",
                    files=["q/**"],
                    filesMap={"stored.txt": URI},
                    destination="/dest",
                ),
            ],
        ),
        task("core.namespace.DownloadFiles", "down", namespace="plugins.files", files="**.sql"),
        task("core.namespace.DeleteFiles", "del", namespace="plugins.files", files=["dest/q/**"]),
    )
    assert found.state is State.SUCCESS, found.errors
    assert found.outputs["up"]["files"] == {
        "dest/q/x.sql": "nsfile://plugins.files/dest/q/x.sql",
        "dest/stored.txt": "nsfile://plugins.files/dest/stored.txt",
    }
    down = found.outputs["down"]["files"]
    assert {name: found.text(uri) for name, uri in down.items()} == {"/dest/q/x.sql": "1\n"}
    assert list(found.outputs["del"]["files"]) == ["dest/q/x.sql"]
    left = [file.path for file in bench.app.files.of_namespace("plugins.files")]
    assert left == ["dest/stored.txt"]


def test_a_file_that_exists_is_kept_or_refused_as_asked(bench: Bench) -> None:
    bench.put_file("taken.txt", "old")
    upload = task("core.namespace.UploadFiles", filesMap={"taken.txt": URI})
    skipped = bench.run(written("new"), {**upload, "conflict": "SKIP"})
    assert skipped.outputs["t"] == {"files": {}}
    refused = bench.run(written("new"), {**upload, "conflict": "ERROR"})
    assert f"namespace {NAMESPACE} already has a file `taken.txt`" in refused.errors
    assert bench.app.files.read(NAMESPACE, "taken.txt") == b"old"
    bench.run(written("new"), upload)
    assert bench.app.files.read(NAMESPACE, "taken.txt") == b"new"


def test_a_namespace_file_of_another_namespace_is_an_input_file(bench: Bench) -> None:
    bench.put_file("a/b.txt", "theirs", "plugins.other")
    found = bench.run(
        task(
            "scripts.shell.Commands",
            inputFiles={"x.txt": "nsfile://plugins.other/a/b.txt"},
            commands=["cat x.txt"],
        )
    )
    assert "INFO theirs" in found.logs


def test_state_is_kept_between_executions_of_a_flow_and_merged(bench: Bench) -> None:
    first = bench.run(
        task("core.state.Get", "before"),
        task("core.state.Set", data={"{{ 'a' }}": "{{ 1 + 1 }}", "m": {"x": 1}}),
        task("core.state.Set", "more", data={"m": {"y": 2}}),
        task("core.state.Get", "after"),
    )
    assert first.outputs["before"] == {"count": 0, "data": {}}
    assert first.outputs["after"] == {"count": 2, "data": {"a": "2", "m": {"x": 1, "y": 2}}}
    again = bench.again(first.execution.flow)
    assert again.outputs["before"]["count"] == 2


def test_state_is_private_to_flow_name_and_loop_value_unless_shared(bench: Bench) -> None:
    flow = bench.run(
        task("core.state.Set", "own", data={"v": "flow"}),
        task("core.state.Set", "shared", data={"v": "all"}, namespace=True),
        task(
            "core.flow.ForEach",
            "each",
            values=["a", "b"],
            tasks=[
                task("core.state.Set", "set", name="loop", data={"{{ taskrun.value }}": 1}),
                task("core.state.Get", "get", name="loop"),
            ],
        ),
    )
    datas = [run.outputs["data"] for run in flow.runs if run.task_id == "get" and run.outputs]
    assert datas == [{"a": 1}, {"b": 1}]
    other = bench.run(
        task("core.state.Get", "own"),
        task("core.state.Get", "shared", namespace=True),
        task("core.state.Delete", "gone", namespace=True),
        task("core.state.Delete", "missing", namespace=True, errorOnMissing=True),
    )
    assert other.outputs["own"]["count"] == 0
    assert other.outputs["shared"]["data"] == {"v": "all"}
    assert other.outputs["gone"] == {"deleted": True}
    assert "Unable to find the state file 'default'" in other.errors
