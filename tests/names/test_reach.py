"""Flows of one namespace reach into another only where that one allows it."""

from collections.abc import Callable, Iterator

import pytest

from mainstem.app import App
from mainstem.errors import Denied
from mainstem.model.execution import Execution
from mainstem.model.state import State
from mainstem.sdk.context import KvEntry
from mainstem.services.reach import Reach, Use
from mainstem.store.filters import ExecutionFilter
from tests.names.test_namespaces import put
from tests.server.conftest import Server

MARK = "zebra"
UPLOAD = (
    "{type: core.namespace.UploadFiles, namespace: %s, "
    "filesMap: {a.txt: '{{ outputs.written.uri }}'}}"
)
TASKS = {
    "read secrets": """{type: core.debug.Return, format: "{{ secret('API_KEY', '%s') }}"}""",
    "read keys": """{type: core.debug.Return, format: "{{ kv('key', '%s') }}"}""",
    "read keys ": "{type: core.kv.Get, key: key, namespace: %s}",
    "read keys  ": "{type: core.kv.GetKeys, prefix: k, namespace: %s}",
    "change keys": "{type: core.kv.Set, key: key, value: lion, namespace: %s}",
    "change keys ": "{type: core.kv.Delete, key: key, namespace: %s}",
    "read files": "{type: core.namespace.DownloadFiles, namespace: %s, files: ['**']}",
    "read files ": "{type: core.namespace.DeleteFiles, namespace: %s, files: ['**']}",
    "read files  ": UPLOAD,
    "run flows": "{type: core.flow.Subflow, namespace: %s, flowId: inner, wait: true}",
}


@pytest.fixture
def server(make_app: Callable[..., App]) -> Iterator[Server]:
    """A server on which namespaces keep everything to themselves."""
    app = make_app(isolation="strict")
    app.start()
    yield Server(app)
    app.stop()


def filled(server: Server, namespace: str) -> Server:
    """Give the namespace one of each thing."""
    server.save(
        f"{{id: inner, namespace: {namespace}, tasks: [{{id: a, type: core.debug.Return}}]}}"
    )
    server.app.kv.set(namespace, KvEntry("key", MARK, "STRING"))
    server.app.files.write(namespace, "file.txt", MARK.encode())
    server.app.secrets.put(namespace, "API_KEY", f"{MARK}-secret")
    return server


def run(server: Server, task: str, other: str, own: str = "mine") -> Execution:
    body = (task % other).replace("{type", "{id: it, type", 1)
    written = "{id: written, type: core.storage.Write, content: hi}"
    return server.run(f"id: f\nnamespace: {own}\ntasks:\n  - {written}\n  - {body}\n")


@pytest.mark.parametrize("use", list(TASKS))
def test_what_another_namespace_holds_is_out_of_reach(server: Server, use: str) -> None:
    filled(server, "theirs")
    execution = run(server, TASKS[use], "theirs")
    assert execution.state is State.FAILED
    said = "\n".join(server.logs(execution))
    assert f"`mine` may not {use.strip()} of namespace `theirs`" in said
    assert "add `mine` to its allowedNamespaces" in said
    assert MARK not in said + str(server.outputs(execution))
    found = server.app.kv.find("theirs", "key")
    assert found is not None
    assert found.entry.value == MARK
    assert [file.path for file in server.app.files.of_namespace("theirs")] == ["file.txt"]
    assert server.app.search.count_by_flow(ExecutionFilter(namespace="theirs")) == {}


@pytest.mark.parametrize("use", list(TASKS))
def test_it_is_in_reach_where_the_namespace_allows_it(server: Server, use: str) -> None:
    filled(server, "theirs.below")
    put(server, "theirs", allowedNamespaces=["mine"])
    execution = run(server, TASKS[use], "theirs.below", "mine.too")
    assert execution.state is State.SUCCESS, server.logs(execution)


def test_by_default_secrets_and_keys_are_kept_and_the_rest_crosses(
    make_app: Callable[..., App],
) -> None:
    app = make_app()
    app.start()
    try:
        server = filled(Server(app), "theirs")
        for use in ("run flows", "read files", "read files  "):
            assert run(server, TASKS[use], "theirs").state is State.SUCCESS, use
        for use in ("read secrets", "read keys", "change keys"):
            assert run(server, TASKS[use], "theirs").state is State.FAILED, use
    finally:
        app.stop()


def test_what_is_allowed_is_taken_back_at_once(server: Server) -> None:
    filled(server, "theirs")
    put(server, "theirs", allowedNamespaces=[{"namespace": "mine"}])
    assert run(server, TASKS["read keys"], "theirs").state is State.SUCCESS
    put(server, "theirs", allowedNamespaces=["mineral", "other"])
    assert run(server, TASKS["read keys"], "theirs").state is State.FAILED


@pytest.mark.parametrize("use", list(TASKS))
def test_an_open_server_lets_flows_reach_everything(make_app: Callable[..., App], use: str) -> None:
    app = make_app(isolation="open")
    app.start()
    try:
        server = filled(Server(app), "theirs")
        execution = run(server, TASKS[use], "theirs")
        assert execution.state is State.SUCCESS, server.logs(execution)
    finally:
        app.stop()


def test_files_above_are_read_and_not_changed(server: Server) -> None:
    filled(server, "theirs")
    read = run(server, TASKS["read files"], "theirs", "theirs.mine")
    assert read.state is State.SUCCESS, server.logs(read)
    changed = run(server, UPLOAD, "theirs", "theirs.mine")
    assert changed.state is State.FAILED
    assert "`theirs.mine` may not change files of namespace `theirs`" in str(server.logs(changed))
    assert [file.path for file in server.app.files.of_namespace("theirs")] == ["file.txt"]


def test_a_namespace_reaches_its_own_line_of_the_tree() -> None:
    reach = Reach("strict")
    for use in Use:
        reach.check("a.b", "a.b", use)
        reach.check("a.b", "a.b.c", use)
        with pytest.raises(Denied):
            reach.check("a.b", "a.c", use)
        with pytest.raises(Denied):
            reach.check("a.b", "a.bc", use)
    reach.check("a.b", "a", Use.READ_SECRET)
    reach.check("a.b", "a", Use.CHANGE_KEY)
    with pytest.raises(Denied, match="change files"):
        reach.check("a.b", "a", Use.CHANGE_FILE)


def test_names_of_allowed_namespaces_are_checked(server: Server) -> None:
    parse = server.app.namespaces.parse
    assert parse({"id": "a", "allowedNamespaces": ["*", "b.c"]}).properties is not None
    (problem,) = parse({"id": "a", "allowedNamespaces": ["b/../c"]}).problems
    assert "is not a namespace" in problem.message
