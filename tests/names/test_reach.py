"""Flows of one namespace reach into another only where that one allows it."""

from collections.abc import Callable, Iterator
from typing import get_args

import pytest

from mainstem.app import App
from mainstem.model.execution import Execution
from mainstem.model.flow_id import FlowId
from mainstem.model.state import State
from mainstem.sdk.context import KvEntry
from mainstem.services.reach import Reach, Use
from mainstem.services.search import LogFilter
from mainstem.settings import Isolation
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
    "look at executions": "{type: core.execution.Count, flows: [{namespace: %s, flowId: inner}], "
    "expression: '{{ true }}'}",
    "look at executions ": "{type: core.execution.Count, namespaces: [%s], "
    "expression: '{{ true }}'}",
    "look at executions  ": "{type: core.log.Fetch, namespace: %s, flowId: done, "
    "executionId: DONE, level: TRACE}",
    "resume or kill executions": "{type: core.execution.Resume, namespace: %s, executionId: WAITS}",
    "delete executions or logs": "{type: core.execution.PurgeExecutions, namespace: %s}",
    "delete executions or logs ": "{type: core.log.PurgeLogs, namespace: %s, "
    "endDate: '{{ now() }}'}",
    "switch triggers": "{type: core.trigger.Toggle, namespace: %s, flowId: done, trigger: hook}",
}
#: What flows written for the reference do across namespaces, and still may by default.
CROSSES = [use for use in TASKS if use.split()[1].rstrip() not in ("secrets", "keys")]


class Filled(Server):
    """A server with executions to act on."""

    done = waits = ""


@pytest.fixture
def server(make_app: Callable[..., App]) -> Iterator[Filled]:
    """A server on which namespaces keep everything to themselves."""
    app = make_app(isolation="strict")
    app.start()
    yield Filled(app)
    app.stop()


def filled(server: Filled, namespace: str) -> Filled:
    """Give the namespace one of each thing."""
    server.save(
        f"{{id: inner, namespace: {namespace}, tasks: [{{id: a, type: core.debug.Return}}]}}"
    )
    hook = "{id: hook, type: core.trigger.Webhook, key: long-enough-a-key}"
    log = f"{{id: a, type: core.log.Log, message: {MARK}}}"
    done = f"{{id: done, namespace: {namespace}, tasks: [{log}], triggers: [{hook}]}}"
    server.done = server.run(done).id
    waits = server.start(
        f"{{id: waits, namespace: {namespace}, tasks: [{{id: a, type: core.flow.Pause}}]}}"
    )
    server.waits = server.wait(waits.id, lambda it: it.state is State.PAUSED).id
    server.app.kv.set(namespace, KvEntry("key", MARK, "STRING"))
    server.app.files.write(namespace, "file.txt", MARK.encode())
    server.app.secrets.put(namespace, "API_KEY", f"{MARK}-secret")
    return server


def run(server: Filled, task: str, other: str, own: str = "mine") -> Execution:
    body = (task % other).replace("{type", "{id: it, type", 1)
    body = body.replace("DONE", server.done).replace("WAITS", server.waits)
    written = "{id: written, type: core.storage.Write, content: hi}"
    return server.run(f"id: f\nnamespace: {own}\ntasks:\n  - {written}\n  - {body}\n")


@pytest.mark.parametrize("use", list(TASKS))
def test_what_another_namespace_holds_is_out_of_reach(server: Filled, use: str) -> None:
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
    assert untouched(server)


@pytest.mark.parametrize("use", list(TASKS))
def test_it_is_in_reach_where_the_namespace_allows_it(server: Filled, use: str) -> None:
    filled(server, "theirs.below")
    put(server, "theirs", allowedNamespaces=["mine"])
    execution = run(server, TASKS[use], "theirs.below", "mine.too")
    assert execution.state is State.SUCCESS, server.logs(execution)


def untouched(server: Filled) -> bool:
    """Whether nothing has happened to the executions and the trigger of `theirs`."""
    found = server.app.search.count_by_flow(ExecutionFilter(namespace="theirs"))
    by_id = {flow.id: count for flow, count in found.items()}
    (hook,) = server.app.triggers.of_flow(FlowId("theirs", "done"))
    lines = server.app.search.lines(LogFilter(execution_id=server.done))
    return (
        by_id == {"done": 1, "waits": 1}
        and server.app.executions.get(server.waits).state is State.PAUSED
        and not hook.disabled
        and any(item.line.message == MARK for item in lines)
    )


def test_by_default_secrets_and_keys_are_kept_and_the_rest_crosses(
    make_app: Callable[..., App],
) -> None:
    app = make_app()
    app.start()
    try:
        server = filled(Filled(app), "theirs")
        for use in (use for use in TASKS if use not in CROSSES):
            assert run(server, TASKS[use], "theirs").state is State.FAILED, use
        for use in CROSSES:
            ended = run(server, TASKS[use], "theirs")
            assert ended.state is State.SUCCESS, (use, server.logs(ended))
    finally:
        app.stop()


def test_what_is_allowed_is_taken_back_at_once(server: Filled) -> None:
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
        server = filled(Filled(app), "theirs")
        execution = run(server, TASKS[use], "theirs")
        assert execution.state is State.SUCCESS, server.logs(execution)
    finally:
        app.stop()


def test_files_above_are_read_and_not_changed(server: Filled) -> None:
    filled(server, "theirs")
    read = run(server, TASKS["read files"], "theirs", "theirs.mine")
    assert read.state is State.SUCCESS, server.logs(read)
    changed = run(server, UPLOAD, "theirs", "theirs.mine")
    assert changed.state is State.FAILED
    assert "`theirs.mine` may not change files of namespace `theirs`" in str(server.logs(changed))
    assert [file.path for file in server.app.files.of_namespace("theirs")] == ["file.txt"]


UPWARDS = {Use.READ_SECRET, Use.READ_KEY, Use.READ_FILE, Use.RUN_FLOW} | {
    Use.FOLLOW_FLOW,
    Use.READ_EXECUTION,
}
CREDENTIALS = {Use.READ_SECRET, Use.READ_KEY, Use.CHANGE_KEY}


@pytest.mark.parametrize("use", list(Use))
def test_the_table_of_what_crosses(use: Use) -> None:
    for mode in get_args(Isolation):
        reach = Reach(mode)
        assert reach.allows("a.b", "a.b", use)
        assert reach.allows("a.b", "a.b.c", use)
        crosses = mode == "open" or (mode == "secrets" and use not in CREDENTIALS)
        assert reach.allows("a.b", "a.c", use) is crosses
        assert reach.allows("a.b", "a.bc", use) is crosses
        assert reach.allows("a.b", "a", use) is (mode != "strict" or use in UPWARDS)
        assert reach.bound("a.b", None, use) == (None if crosses else "a.b")
        assert Reach(mode, lambda _: ["a.b"]).allows("a.b.c", "x", use)


def test_a_search_that_names_no_namespace_stays_at_home(server: Filled) -> None:
    filled(server, "theirs")
    for task in (
        "{type: core.execution.PurgeExecutions, description: %s}",
        "{type: core.log.PurgeLogs, endDate: '{{ now() }}', description: %s}",
    ):
        ended = run(server, task, "none")
        assert ended.state is State.SUCCESS, server.logs(ended)
    assert untouched(server)


def test_logs_below_a_namespace_that_may_be_read_are_not_those_above(server: Filled) -> None:
    filled(server, "above.other")
    ended = run(server, TASKS["look at executions  "], "above", "above.mine")
    assert ended.state is State.FAILED
    assert "may not look at executions of namespace `above.other`" in str(server.logs(ended))


FOLLOWER = """
id: follower
namespace: mine
inputs: [{id: seen, type: STRING}]
triggers:
  - id: t
    type: core.trigger.Flow
    inputs: {seen: "{{ %s }}"}
tasks: [{id: a, type: core.debug.Return, format: "{{ inputs.seen }}"}]
"""
UPSTREAM = "{id: up, namespace: theirs, tasks: [{id: a, type: core.debug.Return, format: zebra}]}"


def followed(server: Server) -> list[Execution]:
    wanted = ExecutionFilter(namespace="mine", flow_id="follower")
    return list(server.app.search.page(wanted).executions)


def test_a_flow_trigger_follows_other_namespaces_where_they_allow_it(server: Filled) -> None:
    server.save(FOLLOWER % "outputs.a.value")
    server.run(UPSTREAM)
    assert followed(server) == []
    put(server, "theirs", allowedNamespaces=["mine"])
    server.run(UPSTREAM)
    (seen,) = followed(server)
    assert seen.inputs == {"seen": MARK}


@pytest.mark.parametrize("expression", ["secret('API_KEY')", "kv('key')", "read('file.txt')"])
def test_a_flow_trigger_has_the_secrets_of_its_own_flow(
    make_app: Callable[..., App], expression: str
) -> None:
    """Not those of the flow whose execution it sees."""
    app = make_app()
    app.start()
    try:
        server = filled(Filled(app), "theirs")
        app.kv.set("mine", KvEntry("key", "own", "STRING"))
        app.secrets.put("mine", "API_KEY", "own")
        app.files.write("mine", "file.txt", b"own")
        server.save(FOLLOWER % expression)
        server.run(UPSTREAM)
        (seen,) = followed(server)
        assert seen.inputs == {"seen": "own"}
    finally:
        app.stop()


def test_templates_of_others_are_not_found(server: Filled) -> None:
    server.app.templates.save(
        "{id: tpl, namespace: theirs, tasks: [{id: x, type: core.debug.Return}]}"
    )
    source = (
        "{id: f, namespace: mine, tasks: [{id: t, type: io.kestra.core.tasks.flows.Template, "
        "namespace: theirs, templateId: tpl}]}"
    )
    assert server.run(source).state is State.FAILED
    put(server, "theirs", allowedNamespaces=["mine"])
    assert server.run(source).state is State.SUCCESS


def test_names_of_allowed_namespaces_are_checked(server: Filled) -> None:
    parse = server.app.namespaces.parse
    assert parse({"id": "a", "allowedNamespaces": ["*", "b.c"]}).properties is not None
    (problem,) = parse({"id": "a", "allowedNamespaces": ["b/../c"]}).problems
    assert "is not a namespace" in problem.message
