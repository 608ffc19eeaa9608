"""What of a repository becomes what: ignore files, folders with namespaces, values."""

import pytest

from mainstem.errors import NotFound
from mainstem.gitsync.ignore import Ignored
from mainstem.model.flow_id import FlowId
from tests.gitsync.conftest import Make, Repository, flow


def test_ignored_paths_follow_the_syntax_of_gitignore() -> None:
    rules = Ignored(
        {
            ".mainstemignore": "*.tmp\n/drafts/\n!keep.tmp\n",
            "files/demo/.kestraignore": "secret/**\n!secret/open.txt\n*.tmp\n",
        }
    )
    left_out = {
        path
        for path in (
            "a.tmp", "deep/b.tmp", "keep.tmp", "drafts/x.yaml", "flows/drafts/x.yaml",
            "files/demo/secret/a.txt", "files/demo/secret/open.txt", "files/demo/keep.tmp",
            "files/demo/a.txt",
        )
        if path in rules
    }  # fmt: skip
    assert left_out == {
        "a.tmp", "deep/b.tmp", "drafts/x.yaml", "files/demo/secret/a.txt", "files/demo/keep.tmp",
    }  # fmt: skip


def test_what_the_ignore_files_name_is_not_synced_and_comes_back_with_them(
    repository: Repository, make_synced: Make
) -> None:
    repository.commit(
        {
            ".mainstemignore": "flows/drafts/\n",
            "flows/hello.yaml": flow(),
            "flows/drafts/new.yaml": "not even yaml: [",
            "files/demo/.kestraignore": "*.log\n",
            "files/demo/a.log": "noise",
            "files/demo/a.sql": "select 1",
        }
    )
    app = make_synced()
    assert app.syncs.sync("team").applied
    assert [str(item.flow) for item in app.flows.all()] == ["demo.hello"]
    assert [f.path for f in app.files.of_namespace("demo")] == ["a.sql"]
    repository.commit({"files/demo/b.log": "more noise", "files/demo/b.sql": "select 2"})
    app.syncs.sync("team")
    assert [f.path for f in app.files.of_namespace("demo")] == ["a.sql", "b.sql"]
    repository.commit({"files/demo/.kestraignore": None})
    app.syncs.sync("team")
    assert [f.path for f in app.files.of_namespace("demo")] == ["a.log", "a.sql", "b.log", "b.sql"]
    repository.commit({".mainstemignore": "flows/\n"})
    plan = app.syncs.sync("team").plan
    assert plan.changes()["delete"] == ["demo.hello"]


def test_flows_of_a_folder_belong_to_its_namespace(
    repository: Repository, make_synced: Make
) -> None:
    without = "id: hello\ntasks:\n  - {id: say, type: core.log.Log, message: hi}\n"
    repository.commit({"flows/team/hello.yaml": without, "flows/team/deep/hello.yaml": without})
    app = make_synced(namespaces=[{"directory": "flows/team", "namespace": "company.team"}])
    assert app.syncs.sync("team").applied
    assert [str(item.flow) for item in app.flows.all()] == [
        "company.team.hello", "company.team.deep.hello",
    ]  # fmt: skip
    repository.commit({"flows/team/hello.yaml": flow(namespace="other")})
    result = app.syncs.sync("team")
    assert [str(p) for p in result.problems] == [
        "flows/team/hello.yaml:2:12: flows in this folder belong to namespace `company.team`, "
        "not `other`"
    ]


def test_a_mapping_may_rewrite_the_namespace(repository: Repository, make_synced: Make) -> None:
    repository.commit({"flows/hello.yaml": flow(namespace="other")})
    mapping = {"directory": "flows", "namespace": "company", "on_mismatch": "rewrite"}
    app = make_synced(namespaces=[mapping])
    app.syncs.sync("team")
    assert "namespace: company\n" in app.flows.head(FlowId("company", "hello")).source


def test_values_come_with_the_commit_and_go_with_it(
    repository: Repository, make_synced: Make
) -> None:
    values = "PROJECT: my-project\nROWS: {type: NUMBER, value: 10, description: at once}\n"
    repository.commit({"flows/hello.yaml": flow(), "kv/demo.yaml": values})
    app = make_synced()
    plan = app.syncs.sync("team").plan
    assert plan.changes()["set_values"] == ["demo:PROJECT", "demo:ROWS"]
    assert app.kv.get("demo", "PROJECT").entry.value == "my-project"
    rows = app.kv.get("demo", "ROWS")
    assert (rows.entry.value, rows.entry.kind, rows.entry.description) == (10, "NUMBER", "at once")
    repository.commit({"kv/demo.yaml": "PROJECT: other\n"})
    app.syncs.sync("team")
    assert app.kv.get("demo", "PROJECT").entry.value == "other"
    with pytest.raises(NotFound):
        app.kv.get("demo", "ROWS")


def test_faults_of_values_are_told_with_their_place(
    repository: Repository, make_synced: Make
) -> None:
    values = "GOOD: 1\n'bad key': 2\nMAP: {a: 1}\nN: {type: NUMBER, value: x}\n"
    repository.commit({"flows/hello.yaml": flow(), "kv/demo.yaml": values})
    result = make_synced().syncs.sync("team")
    assert [(p.path, p.line, p.column) for p in result.problems] == [
        ("kv/demo.yaml", 2, 1), ("kv/demo.yaml", 3, 1), ("kv/demo.yaml", 4, 1),
    ]  # fmt: skip
    assert not result.applied


def test_a_directory_of_the_repository_is_all_that_is_looked_at(
    repository: Repository, make_synced: Make
) -> None:
    repository.commit({"flows/hello.yaml": "broken: [", "data/flows/a.yaml": flow("a")})
    app = make_synced(directory="data")
    assert app.syncs.sync("team").applied
    assert [str(item.flow) for item in app.flows.all()] == ["demo.a"]


def test_a_submodule_is_left_out_with_a_warning(repository: Repository, make_synced: Make) -> None:
    commit = repository.commit({"flows/hello.yaml": flow()})
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},files/demo/lib")
    repository.git("commit", "--quiet", "--message", "submodule")
    result = make_synced().syncs.sync("team")
    assert result.applied
    assert [(p.code, p.severity) for p in result.problems] == [("submodule", "warning")]


def test_what_a_namespace_says_comes_with_the_commit(
    repository: Repository, make_synced: Make
) -> None:
    said = "description: The demo\nvariables:\n  bucket: taxis\n"
    repository.commit({"flows/hello.yaml": flow(), "namespaces/demo.yaml": said})
    app = make_synced()
    result = app.syncs.sync("team")
    assert result.applied, [str(p) for p in result.problems]
    stored = app.namespaces.get("demo")
    assert (stored.description, stored.variables["bucket"]) == ("The demo", "taxis")
    assert stored.git_source == "team"
    assert app.syncs.drift("team") == []
    repository.commit({"namespaces/demo.yaml": None})
    app.syncs.sync("team")
    with pytest.raises(NotFound):
        app.namespaces.get("demo")


def test_plugin_defaults_that_break_flows_keep_the_commit_from_going_live(
    repository: Repository, make_synced: Make
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    app = make_synced()
    app.syncs.sync("team")
    said = (
        "pluginDefaults:\n  - type: io.kestra.plugin.core.log.Log\n"
        "    forced: true\n    values: {level: LOUD}\n"
    )
    repository.commit({"namespaces/demo.yaml": said, "namespaces/other.yaml": "nothing: 1\n"})
    result = app.syncs.sync("team")
    assert not result.applied
    assert {p.path for p in result.problems} == {"namespaces/demo.yaml", "namespaces/other.yaml"}
