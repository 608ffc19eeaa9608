"""Several sources, drift, policies, roll-back, and sources of the API."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mainstem.app import App
from mainstem.errors import Conflict, InvalidInput, NotFound
from mainstem.model.flow_id import FlowId
from mainstem.services.executions import NewRun
from tests.gitsync.conftest import Make, Repository, flow

HELLO = FlowId("demo", "hello")
LATER = datetime(2030, 1, 1, tzinfo=UTC)


def conditions(app: App, name: str = "team") -> dict[str, bool]:
    return {kind: item.status for kind, item in app.syncs.conditions()[name].items()}


def poll(app: App) -> None:
    app.syncs._due.clear()
    app.syncs.tick(LATER)
    assert app.syncs.wait()


def test_each_source_owns_what_it_brought(tmp_path: Path, make_app: Make) -> None:
    first, second = Repository(tmp_path / "first"), Repository(tmp_path / "second")
    first.commit({"flows/hello.yaml": flow()})
    second.commit({"flows/other.yaml": flow("other")})
    app = make_app(
        {"name": "first", "url": str(first.folder)}, {"name": "second", "url": str(second.folder)}
    )
    app.syncs.sync("first")
    app.syncs.sync("second")
    assert len(app.flows.all()) == 2
    second.commit({"flows/hello.yaml": flow(message="mine now")})
    result = app.syncs.sync("second")
    assert [str(p) for p in result.problems] == [
        "flows/hello.yaml:1:1: flow `demo.hello` belongs to Git source `first` (`flows/hello.yaml`)"
    ]
    assert "'hi'" in app.flows.head(HELLO).source


def test_flows_of_git_are_read_only_here_unless_allowed(
    repository: Repository, make_synced: Make
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    app = make_synced()
    app.syncs.sync("team")
    with pytest.raises(Conflict, match="managed by Git source `team`"):
        app.flows.save(flow(message="edited"))
    with pytest.raises(Conflict, match="managed by Git source `team`"):
        app.flows.delete(HELLO)
    app.flows.save(flow("own"))


def test_an_edit_made_here_is_shown_and_stays_until_git_changes_the_flow(
    repository: Repository, make_synced: Make
) -> None:
    repository.commit({"flows/hello.yaml": flow(), "files/demo/a.txt": "a"})
    app = make_synced(editable=True)
    app.syncs.sync("team")
    app.flows.save(flow(message="edited"))
    app.files.write("demo", "a.txt", b"edited")
    poll(app)
    assert conditions(app)["Drifted"]
    assert {entry.name for entry in app.syncs.drift("team")} == {"hello", "a.txt"}
    assert "edited" in app.flows.head(HELLO).source
    repository.commit({"flows/hello.yaml": flow(message="from git")})
    app.syncs.sync("team")
    assert "from git" in app.flows.head(HELLO).source
    assert app.files.read("demo", "a.txt") == b"edited"
    app.syncs.sync("team", heal=True)
    assert app.files.read("demo", "a.txt") == b"a"
    assert not conditions(app)["Drifted"]


def test_with_the_policy_heal_the_next_look_undoes_edits_and_deletions(
    repository: Repository, make_synced: Make
) -> None:
    repository.commit({"flows/hello.yaml": flow(), "flows/other.yaml": flow("other")})
    app = make_synced(editable=True, on_drift="heal")
    app.syncs.sync("team")
    app.flows.save(flow(message="edited"))
    app.flows.delete(FlowId("demo", "other"))
    poll(app)
    assert "'hi'" in app.flows.head(HELLO).source
    assert app.flows.head(FlowId("demo", "other"))
    assert app.syncs.history("team")[0].cause == "heal"


def test_removal_makes_the_commit_invalid_where_the_source_says_so(
    repository: Repository, make_synced: Make
) -> None:
    repository.commit({"flows/hello.yaml": flow(), "flows/other.yaml": flow("other")})
    app = make_synced(on_delete="fail")
    app.syncs.sync("team")
    repository.commit({"flows/other.yaml": None})
    result = app.syncs.sync("team")
    assert [p.code for p in result.problems] == ["removal"]
    assert len(app.flows.all()) == 2
    assert conditions(app)["Invalid"]


def test_protected_namespaces_keep_what_git_no_longer_has(
    repository: Repository, make_synced: Make
) -> None:
    repository.commit(
        {"flows/hello.yaml": flow(), "flows/s.yaml": flow("s", namespace="system.jobs")}
    )
    app = make_synced()
    app.syncs.sync("team")
    repository.commit({"flows/s.yaml": None})
    assert app.syncs.sync("team").plan.changes()["release"] == ["system.jobs.s"]
    assert app.flows.head(FlowId("system.jobs", "s")).revision == 1


def test_a_source_goes_back_to_a_commit_and_forward_again(
    repository: Repository, make_synced: Make
) -> None:
    first = repository.commit({"flows/hello.yaml": flow(message="one")})
    app = make_synced()
    app.syncs.sync("team")
    repository.commit({"flows/hello.yaml": flow(message="two"), "flows/new.yaml": flow("new")})
    app.syncs.sync("team")
    result = app.syncs.roll_back("team", first[:10])
    assert result.plan.changes()["delete"] == ["demo.new"]
    assert "one" in app.flows.head(HELLO).source
    assert app.executions.create(NewRun(HELLO)).commit == first
    poll(app)
    assert "one" in app.flows.head(HELLO).source
    app.sources.unpin("team")
    poll(app)
    assert "two" in app.flows.head(HELLO).source


def test_a_source_goes_back_to_a_commit_it_never_fetched(
    repository: Repository, make_synced: Make
) -> None:
    first = repository.commit({"flows/hello.yaml": flow(message="one")})
    repository.commit({"flows/hello.yaml": flow(message="two")})
    app = make_synced()
    app.syncs.sync("team")
    app.syncs.roll_back("team", first)
    assert "one" in app.flows.head(HELLO).source
    with pytest.raises(InvalidInput, match="not one of the commits"):
        app.syncs.roll_back("team", "abcdef0")


def test_a_tag_or_a_commit_can_be_followed(repository: Repository, make_app: Make) -> None:
    first = repository.commit({"flows/hello.yaml": flow()})
    repository.git("tag", "--annotate", "--message", "first", "v1")
    repository.commit({"flows/hello.yaml": flow(message="newer")})
    url = str(repository.folder)
    app = make_app(
        {"name": "tagged", "url": url, "tag": "v1"}, {"name": "fixed", "url": url, "commit": first}
    )
    assert app.syncs.sync("tagged").commit.sha == first
    assert app.syncs.test(app.sources.get("tagged").source) == first
    assert app.syncs.sync("fixed", dry_run=True).commit.sha == first


def test_a_suspended_source_is_not_looked_at(repository: Repository, make_synced: Make) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    app = make_synced()
    app.sources.suspend("team")
    poll(app)
    assert app.flows.all() == []
    with pytest.raises(Conflict, match="suspended"):
        app.syncs.request("team")
    app.sources.resume("team")
    poll(app)
    assert len(app.flows.all()) == 1


def test_events_are_written_only_when_something_changes(
    repository: Repository, make_synced: Make
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    app = make_synced()
    poll(app)
    first = len(app.syncs.events("team"))
    for _ in range(3):
        poll(app)
    assert len(app.syncs.events("team")) == first
    repository.folder.rename(repository.folder.with_name("gone"))
    for _ in range(3):
        poll(app)
    kinds = [event.kind for event in app.syncs.events("team")]
    assert len(kinds) == first + 2
    assert conditions(app) == {
        "Ready": False, "Fetching": False, "Invalid": False, "Stalled": True, "Drifted": False,
    }  # fmt: skip
    repository.folder.with_name("gone").rename(repository.folder)
    poll(app)
    assert conditions(app)["Ready"]
    assert not conditions(app)["Stalled"]


def test_a_changed_layout_reads_the_same_commit_anew(
    repository: Repository, make_app: Make
) -> None:
    repository.commit({"flows/hello.yaml": flow(), "more/a.yaml": flow("a")})
    url = str(repository.folder)
    app = make_app()
    app.sources.create({"name": "team", "url": url})
    app.syncs.sync("team")
    assert len(app.flows.all()) == 1
    app.sources.update("team", {"url": url, "flows": ["flows", "more"]})
    poll(app)
    assert len(app.flows.all()) == 2


def test_secrets_of_a_stored_source_are_sealed_and_never_shown(
    repository: Repository, make_app: Make, tmp_path: Path
) -> None:
    app = make_app()
    app.sources.create(
        {"name": "team", "url": "https://example.com/x/y", "token": "hunter2-token",
         "github_app": {"app_id": "1", "installation_id": "2", "private_key": "hunter2-key"}}
    )  # fmt: skip
    shown = app.sources.shown("team")
    assert shown["secrets"] == ["github_app.private_key", "token"]
    assert "hunter2" not in str(shown)
    app.database.close()
    for file in (tmp_path / "state").glob("mainstem.db*"):
        assert b"hunter2" not in file.read_bytes()
    app.sources.update("team", {"url": "https://example.com/x/z", "token": None})
    source = app.sources.get("team").source
    assert source.token is None
    assert source.github_app is None


@pytest.mark.parametrize(
    ("changes", "elsewhere"),
    [
        ({"url": "https://example.com/x/z"}, ""),
        ({"url": "https://EXAMPLE.com/x/z"}, ""),
        ({"url": "https://evil.example/x/y"}, "evil.example"),
        ({"url": "https://example.com:8443/x/y"}, "example.com:8443"),
        ({"url": "git@evil.example:x/y", "known_hosts": "k"}, "evil.example"),
        ({"url": "https://evil.example/x/y", "token": "of-evil"}, ""),
        ({"url": "https://evil.example/x/y", "token": None}, ""),
        ({"status": {"kind": "github"}}, "the API of github"),
        ({"status": {"kind": "github", "api_url": "https://evil.example/api"}}, "evil.example"),
    ],
)
def test_a_token_that_is_left_out_stays_for_its_own_host_alone(
    make_app: Make, changes: dict[str, Any], elsewhere: str
) -> None:
    sources = make_app().sources
    first = {"url": "https://example.com/x/y", "token": "hunter2", "webhook_secret": "of-calls"}
    sources.create({"name": "team", **first})
    wanted = {"url": first["url"], **changes}
    if elsewhere:
        with pytest.raises(InvalidInput, match=rf"`token` was not given for {elsewhere}"):
            sources.update("team", wanted)
        assert sources.get("team").source.url == first["url"]
        return
    sources.update("team", wanted)
    source = sources.get("team").source
    assert source.webhook_secret is not None
    kept = source.token and source.token.get_secret_value()
    assert kept == changes.get("token", "hunter2")


def test_a_stored_source_reads_no_files_of_the_server(make_app: Make, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2")
    app = make_app()
    app.sources.create(
        {"name": "team", "url": "https://example.com/x/y", "token": f"@{tmp_path}/secret"}
    )
    token = app.sources.get("team").source.token
    assert token is not None
    assert token.get_secret_value() == f"@{tmp_path}/secret"
    (tmp_path / "token").write_text("from-file\n")
    settings = make_app({"name": "s", "url": "https://e.com/x/y", "token": f"@{tmp_path}/token"})
    held = settings.sources.get("s").source.token
    assert held is not None
    assert held.get_secret_value() == "from-file"


def test_a_source_of_the_settings_is_not_changed_over_the_api(
    repository: Repository, make_synced: Make
) -> None:
    app = make_synced()
    with pytest.raises(Conflict, match="settings file"):
        app.sources.update("team", {"url": "https://example.com/x"})
    with pytest.raises(Conflict, match="already"):
        app.sources.create({"name": "team", "push": True})
    with pytest.raises(NotFound):
        app.sources.remove("other")


def test_a_removed_source_leaves_its_flows_to_their_users(
    repository: Repository, make_app: Make
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    app = make_app()
    app.sources.create({"name": "team", "url": str(repository.folder)})
    app.syncs.sync("team")
    app.sources.remove("team")
    app.flows.save(flow(message="mine"))
    assert "mine" in app.flows.head(HELLO).source


def test_required_tests_keep_a_commit_from_going_live(
    repository: Repository, make_synced: Make
) -> None:
    test = """
id: says
namespace: demo
flowId: hello
testCases:
  - id: ends well
    type: io.kestra.core.tests.flow.UnitTest
    assertions:
      - value: "{{ 1 + 1 }}"
        equalTo: WANTED
"""
    repository.commit(
        {"flows/hello.yaml": flow(), "flows/hello.test.yaml": test.replace("WANTED", "3")}
    )
    app = make_synced(tests="required")
    result = app.syncs.sync("team")
    assert not result.applied
    assert result.problems[0].path == "flows/hello.test.yaml"
    assert result.problems[0].line > 1
    repository.commit({"flows/hello.test.yaml": test.replace("WANTED", "2")})
    result = app.syncs.sync("team")
    assert result.applied, [str(p) for p in result.problems]


def test_a_proposed_change_becomes_a_branch_of_the_repository(
    repository: Repository, make_synced: Make
) -> None:
    from mainstem.gitsync.propose import Edit, propose
    from mainstem.gitsync.sync import Syncer

    good = repository.commit({"flows/a/hello.yaml": flow(), "README.md": "stays"})
    app = make_synced()
    app.syncs.sync("team")
    syncer = Syncer(app.syncs.shop, app.sources.get("team").source)
    edit = Edit(HELLO, flow(message="proposed"), "Say it better", author="Grace")
    made = propose(app.syncs.shop, syncer, edit)
    assert made.path == "flows/a/hello.yaml"
    branch = made.branch
    assert repository.git("rev-parse", f"{branch}^") == good
    assert repository.git("log", "-1", "--format=%an %s", branch) == "Grace Say it better"
    assert repository.git("diff", "--stat", good, branch, "--name-only") == "flows/a/hello.yaml"
    assert "proposed" in repository.git("show", f"{branch}:flows/a/hello.yaml")
    assert "'hi'" in app.flows.head(HELLO).source
