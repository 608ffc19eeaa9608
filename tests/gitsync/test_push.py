"""`git push` to the server: refused with its problems, or live when it returns."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mainstem.model.flow_id import FlowId
from mainstem.model.principal import Grant, Role
from mainstem.services.tokens import NewToken
from tests.gitsync.conftest import PLAIN, Repository, Served, flow

HELLO = FlowId("demo", "hello")
Serve = Callable[..., Served]
HOSTED = {"name": "team", "push": True}
BROKEN = "id: a\nnamespace: demo\ntasks:\n  - {id: x, type: core.log.Lag}\n"


@pytest.fixture
def server(serve: Serve) -> Served:
    return serve(HOSTED)


def push(repository: Repository, server: Served, *words: str) -> "subprocess.CompletedProcess[str]":
    return repository.try_git("push", f"{server.url}/git/team", *(words or ("main",)))


def test_a_pushed_commit_is_live_when_the_push_returns(
    repository: Repository, server: Served
) -> None:
    commit = repository.commit({"flows/hello.yaml": flow(), "files/demo/a.sql": "select 1"})
    done = push(repository, server)
    assert done.returncode == 0, done.stderr
    head = server.app.flows.head(HELLO)
    assert head.origin is not None
    assert (head.origin.source, head.origin.commit) == ("team", commit)
    assert server.app.files.read("demo", "a.sql") == b"select 1"
    assert f"remote: mainstem: {commit[:12]} is live: 2 create" in done.stderr
    assert "remote:   create flow demo.hello" in done.stderr


def test_an_invalid_commit_is_refused_with_its_problems_in_the_pushers_terminal(
    repository: Repository, server: Served
) -> None:
    good = repository.commit({"flows/hello.yaml": flow()})
    push(repository, server)
    repository.commit({"flows/hello.yaml": flow(message="newer"), "flows/a.yaml": BROKEN})
    done = push(repository, server)
    assert done.returncode != 0
    assert "remote: flows/a.yaml:4:19: " in done.stderr
    assert "remote: mainstem: refused, 1 problem; nothing changed" in done.stderr
    assert "pre-receive hook declined" in done.stderr
    assert "'hi'" in server.app.flows.head(HELLO).source
    listed = repository.git("ls-remote", f"{server.url}/git/team", "main")
    assert listed.split("\t")[0] == good


def test_the_fixed_commit_goes_through_after_a_refusal(
    repository: Repository, server: Served
) -> None:
    repository.commit({"flows/a.yaml": BROKEN})
    assert push(repository, server).returncode != 0
    repository.commit({"flows/a.yaml": flow("a")})
    assert push(repository, server).returncode == 0
    assert server.app.flows.head(FlowId("demo", "a")).revision == 1


def test_only_what_changed_becomes_new_revisions(repository: Repository, server: Served) -> None:
    repository.commit({"flows/hello.yaml": flow(), "flows/other.yaml": flow("other")})
    push(repository, server)
    repository.commit({"flows/hello.yaml": flow(message="newer")})
    assert "1 update" in push(repository, server).stderr
    assert server.app.flows.head(HELLO).revision == 2
    assert server.app.flows.head(FlowId("demo", "other")).revision == 1


def test_what_was_pushed_can_be_cloned(
    repository: Repository, server: Served, tmp_path: Path
) -> None:
    commit = repository.commit({"flows/hello.yaml": flow()})
    push(repository, server)
    clone = tmp_path / "clone"
    subprocess.run(
        ["git", "clone", "--quiet", f"{server.url}/git/team.git", str(clone)],
        check=True, env=PLAIN, capture_output=True,
    )  # fmt: skip
    assert (clone / "flows/hello.yaml").read_text() == flow()
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=clone, capture_output=True, text=True, check=True
    )
    assert head.stdout.strip() == commit


def test_other_branches_are_stored_and_do_not_become_live(
    repository: Repository, server: Served
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    push(repository, server)
    repository.git("checkout", "--quiet", "-b", "try")
    repository.commit({"flows/hello.yaml": flow(message="tried")})
    done = push(repository, server, "try")
    assert done.returncode == 0, done.stderr
    assert "stored; only main becomes live" in done.stderr
    assert "'hi'" in server.app.flows.head(HELLO).source


def test_the_live_branch_neither_loses_commits_nor_goes_away(
    repository: Repository, server: Served
) -> None:
    first = repository.commit({"flows/hello.yaml": flow()})
    repository.commit({"flows/hello.yaml": flow(message="newer")})
    push(repository, server)
    forced = push(repository, server, "--force", f"{first}:refs/heads/main")
    assert forced.returncode != 0
    assert "would lose commits" in forced.stderr
    deleted = push(repository, server, "--delete", "main")
    assert deleted.returncode != 0
    assert "cannot be deleted" in deleted.stderr
    assert "'newer'" in server.app.flows.head(HELLO).source


def test_a_large_push_comes_in_parts_and_compressed(repository: Repository, server: Served) -> None:
    repository.git("config", "http.postBuffer", "65536")
    content = "\n".join(str(n * 7919 % 100_003) for n in range(200_000))
    repository.commit({"flows/hello.yaml": flow(), "files/demo/numbers.txt": content})
    done = push(repository, server)
    assert done.returncode == 0, done.stderr
    assert server.app.files.read("demo", "numbers.txt").decode() == content


def test_a_push_of_a_symbolic_link_is_refused(repository: Repository, server: Served) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    (repository.folder / "files/demo").mkdir(parents=True)
    (repository.folder / "files/demo/passwd").symlink_to("/etc/passwd")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "link")
    done = push(repository, server)
    assert done.returncode != 0
    assert "remote: files/demo/passwd:1:1: symbolic links are not synced" in done.stderr


def test_a_source_that_is_pulled_is_not_pushed_to(repository: Repository, serve: Serve) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    server = serve({"name": "team", "url": str(repository.folder)})
    assert push(repository, server).returncode != 0
    assert (
        server.client.get("/git/team/info/refs", params={"service": "git-receive-pack"}).status_code
        == 404
    )


def test_only_gits_own_services_are_served(server: Served) -> None:
    def status(service: str) -> int:
        return server.client.get("/git/team/info/refs", params={"service": service}).status_code

    assert status("") == 404
    assert status("git-upload-archive") == 404
    assert status("git-upload-pack --help") == 404
    assert server.client.post("/git/team/git-receive-pack", content=b"0000").status_code == 422


def test_who_may_not_write_flows_may_not_push(repository: Repository, serve: Serve) -> None:
    server = serve(HOSTED, **{"auth.mode": "users"})
    repository.commit({"flows/hello.yaml": flow()})
    anonymous = push(repository, server)
    assert anonymous.returncode != 0
    assert "could not read Username" in anonymous.stderr
    viewer, editor = (
        server.app.tokens.create(NewToken(role.value, Grant(role)))[1]
        for role in (Role.VIEWER, Role.EDITOR)
    )
    host = server.url.removeprefix("http://")
    seen = repository.try_git("push", f"http://viewer:{viewer}@{host}/git/team", "main")
    assert seen.returncode != 0
    assert "403" in seen.stderr
    done = repository.try_git("push", f"http://git:{editor}@{host}/git/team", "main")
    assert done.returncode == 0, done.stderr
    assert server.app.flows.head(HELLO).revision == 1


def test_a_pinned_source_stores_what_is_pushed_and_stays(
    repository: Repository, server: Served
) -> None:
    first = repository.commit({"flows/hello.yaml": flow()})
    push(repository, server)
    server.api("POST", "/syncs/team/pin", json={"commit": first})
    repository.commit({"flows/hello.yaml": flow(message="newer")})
    done = push(repository, server)
    assert done.returncode == 0, done.stderr
    assert "stored, not live: the source is pinned" in done.stderr
    assert "'hi'" in server.app.flows.head(HELLO).source
    server.api("POST", "/syncs/team/unpin")
    assert "'newer'" in server.app.flows.head(HELLO).source
