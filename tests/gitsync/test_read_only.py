"""What a Git source owns is changed in Git: here its flows, keys, files and words are read-only."""

from collections.abc import Callable
from typing import Any

import pytest

from mainstem.gitsync.compare import compare_command, compare_page
from mainstem.settings_git import GitSource
from tests.gitsync.conftest import Repository, Served, flow

Serve = Callable[..., Served]
EDITOR = "/ui/flows/edit/demo/hello/edit"
FILES = {
    "flows/hello.yaml": flow(),
    "kv/demo.yaml": "dataset: taxi\n",
    "files/demo/sql/a.sql": "select 1",
    "namespaces/demo.yaml": "description: From Git\n",
}
CHANGES: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", "/namespaces/demo/kv/dataset", {"content": '"other"'}),
    ("DELETE", "/namespaces/demo/kv/dataset", {}),
    ("DELETE", "/namespaces/demo/kv", {"json": {"keys": ["dataset"]}}),
    ("POST", "/namespaces/demo/kv/dataset/to-secret", {}),
    (
        "POST",
        "/namespaces/demo/files?path=/sql/a.sql",
        {"files": {"fileContent": ("a.sql", b"select 2")}},
    ),
    ("PUT", "/namespaces/demo/files?from=/sql/a.sql&to=/b.sql", {}),
    ("DELETE", "/namespaces/demo/files?path=/sql", {}),
    ("PUT", "/namespaces/demo", {"json": {"id": "demo", "description": "Other"}}),
    ("DELETE", "/namespaces/demo", {}),
]


def synced(repository: Repository, serve: Serve, **source: object) -> Served:
    repository.commit(FILES)
    server = serve({"name": "team", "url": str(repository.folder), **source})
    assert server.api("POST", "/syncs/team")["applied"] or server.app.flows.all()
    return server


def test_keys_files_and_namespaces_of_git_are_refused_naming_source_and_path(
    repository: Repository, serve: Serve
) -> None:
    server = synced(repository, serve)
    for method, path, body in CHANGES:
        answer = server.api(method, path, 409, **body)
        assert "managed by Git source `team` (`" in answer["message"], (method, path, answer)
    message = server.api("DELETE", "/namespaces/demo", 409)["message"]
    assert "namespaces/demo.yaml" in message
    assert server.app.syncs.drift("team") == []
    assert server.api("GET", "/namespaces/demo/secrets")["results"] == []


def test_what_lies_beside_it_may_change(repository: Repository, serve: Serve) -> None:
    server = synced(repository, serve)
    server.api("PUT", "/namespaces/demo/kv/own", content='"x"')
    server.api("DELETE", "/namespaces/demo/kv/own")
    own = {"fileContent": ("own.sql", b"select 2")}
    server.api("POST", "/namespaces/demo/files?path=/sql/own.sql", files=own)
    server.api("PUT", "/namespaces/other", json={"id": "other"}, status=200)


def test_an_editable_source_lets_them_change_and_shows_it_as_drift(
    repository: Repository, serve: Serve
) -> None:
    server = synced(repository, serve, editable=True)
    server.api("PUT", "/namespaces/demo/kv/dataset", content='"other"')
    server.api("PUT", "/namespaces/demo", json={"id": "demo", "description": "Other"})
    assert sorted(entry.kind for entry in server.app.syncs.drift("team")) == ["kv", "namespace"]


def test_a_flow_may_write_a_key_of_git(repository: Repository, serve: Serve) -> None:
    from mainstem.sdk.context import KvEntry

    server = synced(repository, serve)
    server.app.kv.set("demo", KvEntry("dataset", "by a flow", "STRING"))
    assert [entry.name for entry in server.app.syncs.drift("team")] == ["dataset"]


def test_the_pages_say_so_and_offer_no_change(repository: Repository, serve: Serve) -> None:
    server = synced(repository, serve)
    page = server.client.get(EDITOR).text
    assert "read-only here" in page
    assert "flows/hello.yaml of source team" in page
    assert ">Save<" not in page
    assert 'value="propose"' in page
    keys = server.client.get("/ui/namespaces/demo/kv").text
    assert "kv/demo.yaml of team, read-only here" in keys
    assert "?edit=dataset" not in keys
    file = server.client.get("/ui/namespaces/demo/files?path=sql/a.sql").text
    assert "This file is read-only here" in file
    assert "_delete" not in file
    said = server.client.get("/ui/namespaces/demo/edit").text
    assert "These properties are read-only here" in said
    assert ">Save<" not in said


def posted(server: Served, **fields: str) -> Any:
    page = server.client.get(EDITOR).text
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    form = {"csrf": csrf, "seen": "1", "act": "propose", **fields}
    origin = {"origin": server.url}
    return server.client.post(EDITOR, data=form, headers=origin)


def test_the_editor_proposes_a_commit_and_says_where_it_is(
    repository: Repository, serve: Serve
) -> None:
    server = synced(repository, serve)
    answer = posted(server, source=flow(message="better"), branch="better", message="Say it better")
    assert answer.status_code == 200, answer.text
    assert "Pushed branch better" in answer.text
    assert "git fetch origin better" in answer.text
    assert "better" in repository.git("show", "better:flows/hello.yaml")
    assert repository.git("log", "-1", "--format=%s", "better") == "Say it better"
    again = posted(server, source=flow(message="best"), branch="better")
    assert again.status_code == 409
    assert "there already" in again.text
    assert "best" not in repository.git("show", "better:flows/hello.yaml")
    assert posted(server, source=flow(message="best"), branch="a..b").status_code == 422


@pytest.mark.parametrize(
    ("url", "more", "page"),
    [
        (
            "https://github.com/acme/flows.git",
            {},
            "https://github.com/acme/flows/compare/main...fix/a?expand=1",
        ),
        (
            "git@gitlab.com:acme/flows.git",
            {},
            "https://gitlab.com/acme/flows/-/compare/main...fix/a",
        ),
        (
            "https://bitbucket.org/acme/flows",
            {},
            "https://bitbucket.org/acme/flows/branches/compare/fix/a..main",
        ),
        (
            "https://code.example.org/acme/flows",
            {"status": {"kind": "gitea", "api_url": "https://code.example.org"}},
            "https://code.example.org/acme/flows/compare/main...fix/a",
        ),
        ("https://code.example.org/acme/flows", {}, ""),
        ("/srv/flows", {}, ""),
    ],
)
def test_the_page_of_the_forge_is_named_where_it_is_known(
    url: str, more: dict[str, Any], page: str
) -> None:
    source = GitSource.model_validate({"name": "team", "url": url, **more})
    assert compare_page(source, "fix/a") == page
    assert "git fetch origin fix/a" in compare_command(source, "fix/a")
