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
    assert response.headers["location"] == "/ui/gitsync"
    assert "Asked for a sync of taxi" in synced.get("/ui/gitsync")
    assert synced.post("/ui/gitsync/_sync", {"source": "none"}).status_code == 404


def test_a_repository_that_cannot_be_reached_is_explained(
    synced: Site, repository: git.Repo
) -> None:
    Path(repository.working_dir).rename(Path(repository.working_dir).with_name("gone"))
    response = synced.post("/ui/gitsync/_sync", {"source": "taxi", "dry": "1"})
    assert "The dry run of taxi failed" in response.text
    assert faults(response.text) == []
