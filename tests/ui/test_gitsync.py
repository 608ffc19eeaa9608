"""The Git sync page over a real repository: what is live, what is wrong, what would change."""

from collections.abc import Iterator
from pathlib import Path

import git
import pytest

from mainstem.settings import GitSettings, GitSource
from tests.ui import seed, sources
from tests.ui.html import Document, faults
from tests.ui.site import Site, make_site

AUTHOR = git.Actor("Ada Lovelace", "ada@example.com")


@pytest.fixture
def repository(tmp_path: Path) -> git.Repo:
    repo = git.Repo.init(tmp_path / "repository", initial_branch="main")
    commit(repo, "Add the hello flow", {"flows/hello.yaml": sources.HELLO})
    return repo


@pytest.fixture
def synced(tmp_path: Path, repository: git.Repo) -> Iterator[Site]:
    source = GitSource(name="taxi", url=str(repository.working_dir))
    settings = GitSettings(sources=(source,), allow_file_urls=True)
    app = seed.make_app(tmp_path / "state", git=settings)
    made = make_site(app)
    yield made
    made.browser.close()
    app.stop()


def commit(repo: git.Repo, message: str, files: dict[str, str]) -> str:
    for name, content in files.items():
        path = Path(repo.working_dir) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        repo.index.add([name])
    return repo.index.commit(message, author=AUTHOR, committer=AUTHOR).hexsha


def test_a_source_that_was_never_looked_at_says_so(synced: Site) -> None:
    text = synced.get("/ui/gitsync")
    assert faults(text) == []
    assert "Not synced yet" in text


def test_a_dry_run_shows_what_a_sync_would_change_and_changes_nothing(synced: Site) -> None:
    response = synced.post("/ui/gitsync/_sync", {"source": "taxi", "dry": "1"})
    assert response.status_code == 200
    assert faults(response.text) == []
    rows = [row.text for row in Document(response.text).root.all("tr")]
    assert any("create demo.hello" in row for row in rows)
    assert synced.app.flows.all() == []


def test_a_sync_shows_its_commit_and_leads_to_its_flows(synced: Site, repository: git.Repo) -> None:
    synced.app.syncs.sync("taxi")
    text = synced.get("/ui/gitsync")
    assert faults(text) == []
    assert "Ready" in text
    assert repository.head.commit.hexsha[:8] in text
    assert "Add the hello flow" in text
    assert "Ada Lovelace" in text
    flow = synced.get("/ui/flows/edit/demo/hello")
    assert "flows/hello.yaml" in flow
    assert repository.head.commit.hexsha[:8] in flow
    assert "Ready" in synced.get("/ui/")


def test_a_bad_commit_names_its_problem_at_its_line_and_keeps_the_good_one(
    synced: Site, repository: git.Repo
) -> None:
    good = repository.head.commit.hexsha
    synced.app.syncs.sync("taxi")
    bad = commit(repository, "Break it", {"flows/broken.yaml": sources.BROKEN})
    synced.app.syncs.sync("taxi")
    text = synced.get("/ui/gitsync")
    assert faults(text) == []
    assert "Invalid" in text
    assert "flows/broken.yaml:5:" in text
    assert good[:8] in text
    assert bad[:8] in text
    assert "the last good commit stays active" in text


def test_syncing_now_is_asked_of_the_agent(synced: Site) -> None:
    response = synced.post("/ui/gitsync/_sync", {"source": "taxi"})
    assert response.headers["location"] == "/ui/gitsync/taxi"
    assert "Asked for a sync of taxi" in synced.get("/ui/gitsync/taxi")
    assert synced.post("/ui/gitsync/_sync", {"source": "none"}).status_code == 404


def test_a_repository_that_cannot_be_reached_is_explained(
    synced: Site, repository: git.Repo
) -> None:
    Path(repository.working_dir).rename(Path(repository.working_dir).with_name("gone"))
    response = synced.post("/ui/gitsync/_sync", {"source": "taxi", "dry": "1"})
    assert "The dry run of taxi failed" in response.text
    assert faults(response.text) == []


def test_a_source_shows_conditions_syncs_and_events(synced: Site, repository: git.Repo) -> None:
    synced.app.syncs.sync("taxi")
    text = synced.get("/ui/gitsync/taxi")
    assert faults(text) == []
    rows = [row.text for row in Document(text).root.all("tr")]
    assert any(row.startswith("Ready ") and "is live" in row for row in rows)
    assert any("not Stalled" in row for row in rows)
    assert any("Add the hello flow" in row and "live" in row for row in rows)
    assert synced.get("/ui/gitsync/taxi/_source") in text


def test_a_sync_shows_its_plan_and_the_revisions_that_came_of_it(synced: Site) -> None:
    synced.app.syncs.sync("taxi")
    (run,) = synced.app.syncs.history("taxi")
    text = synced.get(f"/ui/gitsync/taxi/syncs/{run.id}")
    assert faults(text) == []
    rows = [row.text for row in Document(text).root.all("tr")]
    assert "create demo.hello revision 1" in rows


def test_a_source_goes_back_to_an_earlier_commit_and_forward_again(
    synced: Site, repository: git.Repo
) -> None:
    first = repository.head.commit.hexsha
    synced.app.syncs.sync("taxi")
    commit(repository, "Change it", {"flows/hello.yaml": sources.HELLO + "# changed\n"})
    synced.app.syncs.sync("taxi")
    synced.post("/ui/gitsync/taxi/_switch", {"action": "pin", "commit": first})
    text = synced.get("/ui/gitsync/taxi")
    assert faults(text) == []
    assert f"Pinned to {first[:8]}" in text
    assert "# changed" not in synced.app.flows.all()[0].source
    synced.post("/ui/gitsync/taxi/_switch", {"action": "unpin"})
    synced.app.syncs.sync("taxi")
    assert "# changed" in synced.app.flows.all()[0].source


def test_a_suspended_source_says_so_and_offers_to_go_on(synced: Site) -> None:
    synced.post("/ui/gitsync/taxi/_switch", {"action": "suspend"})
    text = synced.get("/ui/gitsync/taxi")
    assert faults(text) == []
    assert "Suspended" in text
    assert "Resume" in text
    assert synced.post("/ui/gitsync/_sync", {"source": "taxi"}).status_code == 409


def test_a_dry_run_shows_the_difference_line_by_line(synced: Site, repository: git.Repo) -> None:
    synced.app.syncs.sync("taxi")
    commit(repository, "Change it", {"flows/hello.yaml": sources.HELLO + "# changed\n"})
    response = synced.post("/ui/gitsync/_sync", {"source": "taxi", "dry": "1"})
    assert faults(response.text) == []
    assert "+# changed" in response.text


def test_a_repository_is_connected_by_the_form_and_its_token_never_shown(
    synced: Site, repository: git.Repo
) -> None:
    assert faults(synced.get("/ui/gitsync/_new")) == []
    form = {
        "name": "second", "kind": "pull", "url": "https://example.com/you/flows",
        "branch": "main", "flows": "flows, more", "token": "hunter2-token",
        "namespaces": "flows/a = company.a", "on_delete": "keep", "interval_seconds": "30",
    }  # fmt: skip
    response = synced.post("/ui/gitsync/_new", dict(form))
    assert response.headers["location"] == "/ui/gitsync/second"
    source = synced.app.sources.get("second").source
    assert source.flows == ("flows", "more")
    assert source.namespaces[0].namespace == "company.a"
    assert source.token is not None
    assert source.token.get_secret_value() == "hunter2-token"
    edited = synced.get("/ui/gitsync/second/edit")
    assert faults(edited) == []
    assert "hunter2" not in edited
    kept = {**form, "token": "", "on_delete": "fail", "edited": "second"}
    synced.post("/ui/gitsync/second/edit", dict(kept))
    changed = synced.app.sources.get("second").source
    assert changed.on_delete == "fail"
    assert changed.token is not None
    assert changed.token.get_secret_value() == "hunter2-token"
    synced.post("/ui/gitsync/second/_remove", {})
    assert "second" not in [s.name for s in synced.app.syncs.sources]


def test_a_connection_is_tested_before_it_is_made(synced: Site, repository: git.Repo) -> None:
    form = {"name": "second", "kind": "pull", "url": str(repository.working_dir), "branch": "main"}
    response = synced.post("/ui/gitsync/_test", dict(form))
    assert faults(response.text) == []
    assert "The repository answers" in response.text
    assert repository.head.commit.hexsha[:12] in response.text
    missing = synced.post("/ui/gitsync/_test", {**form, "branch": "nowhere"})
    assert "Not reached" in missing.text
    wrong = synced.post("/ui/gitsync/_new", {**form, "url": "ext::sh -c true"})
    assert wrong.status_code == 422
    assert "is not an address to sync from" in wrong.text


def test_a_source_of_the_settings_file_is_not_changed_here(synced: Site) -> None:
    assert "Set up in the settings file" in synced.get("/ui/gitsync/taxi")
    assert synced.post("/ui/gitsync/taxi/_remove", {}).status_code == 409
