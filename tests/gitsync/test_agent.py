"""One commit becomes flows and namespace files, whole or not at all."""

from datetime import UTC, datetime

import pytest

from mainstem.errors import InvalidInput, NotFound, Stalled
from mainstem.model.flow_id import FlowId
from mainstem.services.executions import NewRun
from tests.gitsync.conftest import Make, Repository, flow

HELLO = FlowId("demo", "hello")


def test_a_commit_brings_flows_and_files_and_says_where_they_came_from(
    repository: Repository, make_synced_anywhere: Make
) -> None:
    commit = repository.commit(
        {"flows/hello.yaml": flow(), "files/demo/sql/a.sql": "select 1", "README.md": "no"},
        "First flows",
    )
    app = make_synced_anywhere()
    result = app.syncs.sync("team")
    assert result.applied
    assert result.plan.changes()["create"] == ["demo.hello"]
    origin = app.flows.head(HELLO).origin
    assert origin is not None
    assert (origin.commit, origin.path, origin.message) == (
        commit, "flows/hello.yaml", "First flows",
    )  # fmt: skip
    assert origin.author == "Ada <ada@example.org>"
    assert app.files.read("demo", "sql/a.sql") == b"select 1"
    assert app.files.stat("demo", "sql/a.sql").git_commit == commit


def test_an_invalid_commit_changes_nothing_and_names_every_problem_with_its_place(
    repository: Repository, make_synced_anywhere: Make
) -> None:
    good = repository.commit({"flows/hello.yaml": flow(message="good")})
    app = make_synced_anywhere()
    app.syncs.sync("team")
    repository.commit(
        {
            "flows/hello.yaml": flow(message="newer"),
            "flows/a.yaml": "id: a\nnamespace: demo\ntasks:\n  - {id: x, type: core.log.Lag}\n",
            "flows/b.yaml": "id: b\nnamespace: demo\ntasks: []\n",
            "files/demo/new.txt": "new",
        }
    )
    result = app.syncs.sync("team")
    assert not result.applied
    places = sorted(str(p).split(": ")[0] for p in result.problems if p.is_error)
    assert places[0] == "flows/a.yaml:4:19"
    assert places[1].startswith("flows/b.yaml:3:")
    assert "good" in app.flows.head(HELLO).source
    with pytest.raises(NotFound):
        app.files.read("demo", "new.txt")
    (status,) = app.syncs.statuses()
    assert (status.state, status.good_commit) == ("INVALID", good)
    assert status.message is not None
    assert "flows/a.yaml:4:19" in status.message


def test_the_next_valid_commit_heals_an_invalid_one(
    repository: Repository, make_synced_anywhere: Make
) -> None:
    repository.commit({"flows/bad.yaml": "id: ["})
    app = make_synced_anywhere()
    assert not app.syncs.sync("team").applied
    fixed = repository.commit({"flows/bad.yaml": flow("bad")})
    assert app.syncs.sync("team").applied
    (status,) = app.syncs.statuses()
    assert (status.state, status.good_commit, status.message) == ("READY", fixed, None)


def test_what_the_commit_no_longer_holds_is_removed_but_not_what_others_made(
    repository: Repository, make_synced_anywhere: Make
) -> None:
    repository.commit({"flows/hello.yaml": flow(), "files/demo/a.txt": "a"})
    app = make_synced_anywhere()
    app.syncs.sync("team")
    app.flows.save(flow("by_hand"))
    app.files.write("demo", "own.txt", b"own")
    repository.commit(
        {"flows/hello.yaml": None, "files/demo/a.txt": None, "flows/other.yaml": flow("other")}
    )
    plan = app.syncs.sync("team").plan
    assert plan.changes()["delete"] == ["demo.hello"]
    assert [str(item.flow) for item in app.flows.all()] == ["demo.by_hand", "demo.other"]
    assert [file.path for file in app.files.of_namespace("demo")] == ["own.txt"]


def test_a_commit_without_anything_removes_nothing(
    repository: Repository, make_synced: Make
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    app = make_synced()
    app.syncs.sync("team")
    repository.commit({"flows/hello.yaml": None, "README.md": "empty"})
    result = app.syncs.sync("team")
    assert result.plan.warnings
    assert [str(item.flow) for item in app.flows.all()] == ["demo.hello"]


def test_with_the_policy_keep_nothing_is_removed(
    repository: Repository, make_synced_anywhere: Make
) -> None:
    repository.commit({"flows/hello.yaml": flow(), "flows/other.yaml": flow("other")})
    app = make_synced_anywhere(on_delete="keep")
    app.syncs.sync("team")
    repository.commit({"flows/hello.yaml": None})
    app.syncs.sync("team")
    assert len(app.flows.all()) == 2


def test_a_dry_run_shows_the_plan_and_changes_nothing(
    repository: Repository, make_synced_anywhere: Make
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    app = make_synced_anywhere()
    result = app.syncs.sync("team", dry_run=True)
    assert result.plan.changes()["create"] == ["demo.hello"]
    assert not result.applied
    assert app.flows.all() == []
    assert app.syncs.sync("team").applied


def test_an_unchanged_flow_keeps_its_revision_and_the_commit_that_brought_it(
    repository: Repository, make_synced_anywhere: Make
) -> None:
    first = repository.commit({"flows/hello.yaml": flow()})
    app = make_synced_anywhere()
    app.syncs.sync("team")
    repository.commit({"flows/other.yaml": flow("other")})
    app.syncs.sync("team")
    head = app.flows.head(HELLO)
    assert head.revision == 1
    assert head.origin is not None
    assert head.origin.commit == first


def test_two_files_with_the_same_flow_are_a_problem(
    repository: Repository, make_synced: Make
) -> None:
    repository.commit({"flows/a.yaml": flow(), "flows/b.yaml": flow()})
    result = make_synced().syncs.sync("team")
    assert [p.code for p in result.problems] == ["duplicate-flow"]
    assert "flows/a.yaml" in result.problems[0].message


def test_links_are_refused(repository: Repository, make_synced: Make) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    (repository.folder / "files" / "demo").mkdir(parents=True)
    (repository.folder / "files" / "demo" / "passwd").symlink_to("/etc/passwd")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "link")
    result = make_synced().syncs.sync("team")
    assert [p.code for p in result.problems] == ["link"]
    assert not result.applied


def test_dbt_projects_become_files_without_what_dbt_writes(
    repository: Repository, make_synced: Make
) -> None:
    repository.commit(
        {
            "flows/hello.yaml": flow(),
            "dbt/demo/dbt_project.yml": "name: x",
            "dbt/demo/target/manifest.json": "{}",
        }
    )
    app = make_synced()
    app.syncs.sync("team")
    assert [file.path for file in app.files.of_namespace("demo")] == ["dbt/dbt_project.yml"]


def test_an_unreachable_repository_is_told_and_the_flows_stay(
    repository: Repository, make_synced_anywhere: Make
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    app = make_synced_anywhere()
    app.syncs.sync("team")
    repository.folder.rename(repository.folder.with_name("moved"))
    app.syncs.tick(datetime(2030, 1, 1, tzinfo=UTC))
    assert app.syncs.wait()
    (status,) = app.syncs.statuses()
    assert status.state in ("FAILED", "STALLED")
    assert status.message is not None
    assert "cannot fetch" in status.message
    assert len(app.flows.all()) == 1


def test_a_missing_branch_needs_a_human(repository: Repository, make_synced: Make) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    with pytest.raises(Stalled, match="branch nowhere"):
        make_synced(branch="nowhere").syncs.sync("team")


@pytest.mark.parametrize(
    "url",
    ["ext::sh -c touch% /tmp/x", "--upload-pack=touch", "https://user:pw@host/x", "git://host/x"],
)
def test_addresses_that_could_run_something_are_refused(url: str, make_synced: Make) -> None:
    with pytest.raises(InvalidInput, match="not an address to sync from"):
        make_synced(url=url).syncs.sync("team")


@pytest.mark.parametrize("branch", ["--force", "../x", "a..b", "x.lock"])
def test_branches_that_git_would_take_for_options_are_refused(
    branch: str, make_synced: Make
) -> None:
    with pytest.raises(InvalidInput, match="not a branch name"):
        make_synced(branch=branch).syncs.sync("team")


def test_executions_remember_the_commit_of_their_flow(
    repository: Repository, make_synced: Make
) -> None:
    commit = repository.commit({"flows/hello.yaml": flow()})
    app = make_synced()
    app.syncs.sync("team")
    assert app.executions.create(NewRun(HELLO)).commit == commit


def test_values_namespaces_drift_healing_and_rolling_back_are_the_same_everywhere(
    repository: Repository, make_synced_anywhere: Make
) -> None:
    first = repository.commit(
        {
            "flows/hello.yaml": flow(),
            "files/demo/a.sql": "select 1",
            "kv/demo.yaml": "dataset: taxi\nlimits: {type: JSON, value: {rows: 3}}\n",
            "namespaces/demo.yaml": "description: Ours\nvariables: {region: EU}\n",
        }
    )
    app = make_synced_anywhere(editable=True)
    assert app.syncs.sync("team").applied
    assert app.kv.get("demo", "limits").entry.value == {"rows": 3}
    assert app.namespaces.variables("demo") == {"region": "EU"}
    assert app.syncs.drift("team") == []
    app.flows.save(flow(message="by hand"))
    app.files.write("demo", "a.sql", b"select 2")
    app.kv.delete("demo", "dataset")
    app.namespaces.delete("demo")
    assert sorted(e.kind for e in app.syncs.drift("team")) == ["file", "flow", "kv", "namespace"]
    app.syncs.sync("team", heal=True)
    assert app.syncs.drift("team") == []
    assert app.kv.get("demo", "dataset").entry.value == "taxi"
    repository.commit({"flows/hello.yaml": flow(message="newer"), "kv/demo.yaml": None})
    app.syncs.sync("team")
    assert app.kv.keys("demo") == []
    assert app.syncs.roll_back("team", first).applied
    assert app.kv.keys("demo") == ["dataset", "limits"]
    assert "'hi'" in app.flows.head(HELLO).source
    assert app.syncs.history("team")[0].commit == first
    assert app.syncs.events("team")
