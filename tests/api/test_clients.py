"""Clients that others wrote, on a listening server with a user: their calls, their types.

`kestrapy` is generated from the reference's own description of its API, so what it reads is what
the reference answers; `kestra` is what scripts of flows import.
"""

import io
import json
import subprocess
import sys
import threading
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mainstem.app import App
from mainstem.settings import load_settings
from tests.api.conftest import ENVIRONMENT, Api

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import kestrapy
    from kestrapy.base_api import BaseApi
    from kestrapy.exceptions import (
        ApiException,
        BadRequestException,
        NotFoundException,
        UnprocessableEntityException,
    )

USER, PASSWORD = "ada@example.com", "correct-horse-7-battery"
T = "main"
HELLO = "  - {id: hi, type: io.kestra.plugin.core.log.Log, message: 'hi {{ inputs.who }}'}"
# The client's types of a state and of the labels of a FlowForExecution are not what the reference
# sends, so that it builds what holds them by its lenient way; the tests look at the fields.
WITH_STATE = {
    "Execution", "ExecutionControllerExecutionResponse", "State", "TaskRun", "TaskRunAttempt",
    "WebhookResponse", "ExecutionStatusEvent", "FlowForExecution",
}  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    given = {
        "state_dir": str(tmp_path_factory.mktemp("state")),
        "runners.default": "process",
        "auth.mode": "users",
    }
    app = App(load_settings(overrides=given, environment={}), environment=ENVIRONMENT)
    app.start()
    try:
        app.users.create_first(USER, PASSWORD)
        served = Api(app)
        served.client.auth = (USER, PASSWORD)
        yield served
        served.close()
    finally:
        app.stop()


@pytest.fixture
def client(server: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Fails the test when an answer does not fit the type that the client has for it."""
    lenient: set[str] = set()
    build = BaseApi._construct_model

    def noted(data: dict[str, Any], kind: type) -> object:
        lenient.add(kind.__name__)
        return build(data, kind)

    monkeypatch.setattr(BaseApi, "_construct_model", staticmethod(noted))
    with kestrapy.KestraClient(host=server.url, username=USER, password=PASSWORD) as found:
        found._session.trust_env = False
        yield found
    assert lenient <= WITH_STATE, lenient - WITH_STATE


@pytest.fixture
def ns(request: pytest.FixtureRequest) -> str:
    name = request.node.originalname.removeprefix("test_").replace("_", "-")
    return f"clients.{name[:40].strip('-')}"


def source(ns: str, name: str = "f", tasks: str = HELLO, more: str = "") -> str:
    inputs = "inputs: [{id: who, type: STRING, defaults: world}]"
    return (
        f"id: {name}\nnamespace: {ns}\nlabels: {{team: blue}}\n{inputs}\n{more}\ntasks:\n{tasks}\n"
    )


def filters(**wanted: str) -> list[Any]:
    """EQUALS filters in the client's own type."""
    return [
        kestrapy.QueryFilter(
            field=kestrapy.QueryFilterField(name),
            operation=kestrapy.QueryFilterOp.EQUALS,
            value={"value": value},
        )
        for name, value in wanted.items()
    ]


def until(look: Callable[[], Any], seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(0.05)
    return found


def ended(client: Any, execution_id: str, *states: str) -> Any:
    wanted = states or ("SUCCESS", "FAILED", "KILLED", "WARNING")

    def look() -> Any:
        found = client.executions.execution(execution_id, T)
        return found if found.state.current.value in wanted else None

    return until(look)


def test_a_wrong_password_is_refused(server: Api) -> None:
    with kestrapy.KestraClient(host=server.url, username=USER, password="wrong") as client:
        client._session.trust_env = False
        with pytest.raises(ApiException) as caught:
            client.flows.search_flows(T)
    assert caught.value.status == 401


def test_flows_are_created_read_updated_and_deleted(client: Any, ns: str) -> None:
    made = client.flows.create_flow(T, source(ns))
    assert (made.id, made.namespace, made.revision, made.disabled) == ("f", ns, 1, False)
    assert isinstance(made.updated, datetime)
    assert [(label.key, label.value) for label in made.labels] == [("team", "blue")]
    assert [task.type for task in made.tasks] == ["io.kestra.plugin.core.log.Log"]
    changed = client.flows.update_flow(ns, "f", T, source(ns, more="description: new"))
    assert (changed.revision, changed.description) == (2, "new")
    assert client.flows.flow(ns, "f", T, revision=1).description is None
    assert "description: new" in client.flows.flow(ns, "f", T, source=True).source
    assert [item.revision for item in client.flows.list_flow_revisions(ns, "f", T)] == [2, 1]
    client.flows.delete_revisions(ns, "f", T, [1])
    assert [item.revision for item in client.flows.list_flow_revisions(ns, "f", T)] == [2]
    task = client.flows.task_from_flow(ns, "f", "hi", T)
    assert (task.id, task.type) == ("hi", "io.kestra.plugin.core.log.Log")
    client.flows.delete_flow(ns, "f", T)
    with pytest.raises(NotFoundException):
        client.flows.flow(ns, "f", T)


def test_flows_are_made_from_objects(client: Any, ns: str) -> None:
    task = {"id": "hi", "type": "io.kestra.plugin.core.log.Log", "message": "hi"}
    made = client.flows.create_flow_from_object(T, {"id": "f", "namespace": ns, "tasks": [task]})
    assert made.revision == 1
    task["message"] = "ho"
    flow = {"id": "f", "namespace": ns, "tasks": [task]}
    assert client.flows.update_flow_from_object(ns, "f", T, flow).revision == 2


def test_flows_are_searched_and_listed(client: Any, ns: str) -> None:
    for name in ("a", "b", "c"):
        client.flows.create_flow(T, source(ns, name))
    page = client.flows.search_flows(T, page=2, size=2, filters=filters(namespace=ns))
    assert ([flow.id for flow in page.results], page.total) == (["c"], 3)
    down = client.flows.search_flows(T, sort=["id:desc"], filters=filters(namespace=ns))
    assert [flow.id for flow in down.results] == ["c", "b", "a"]
    assert [flow.id for flow in client.flows.list_flows_by_namespace(ns, T)] == ["a", "b", "c"]
    assert client.flows.list_distinct_namespaces(T, q="searched") == [ns]
    hits = client.flows.search_flows_by_source_code(T, q="INPUTS.WHO", namespace=ns)
    assert hits.total == 3
    (match, *_) = hits.results[0].matches
    assert match.line == 7
    assert "inputs.who" in match.snippet
    exact = client.flows.search_flows_by_source_code(T, q="INPUTS.WHO", namespace=ns,
                                                     case_sensitive=True)  # fmt: skip
    assert exact.total == 0
    assert client.flows.list_deprecated(T, namespace=ns) == []


def test_complex_filters_mean_what_they_say(client: Any, ns: str) -> None:
    for name in ("a", "b", "c"):
        client.flows.create_flow(T, source(ns, name))
    f = kestrapy.QueryFilter
    either = f(
        logical=kestrapy.QueryFilterLogical.OR,
        children=[
            f(field=kestrapy.QueryFilterField("flowId"), operation=kestrapy.QueryFilterOp("IN"),
              value={"value": ["a", "x"]}),
            f(field=kestrapy.QueryFilterField("flowId"),
              operation=kestrapy.QueryFilterOp("ENDS_WITH"), value={"value": "c"}),
        ],
    )  # fmt: skip
    found = client.flows.search_flows(T, filters=[*filters(namespace=ns), either])
    assert [flow.id for flow in found.results] == ["a", "c"]
    labels = [f(field=kestrapy.QueryFilterField("labels"),
                operation=kestrapy.QueryFilterOp("EQUALS"), value={"team": "blue"})]  # fmt: skip
    assert client.flows.search_flows(T, filters=[*filters(namespace=ns), *labels]).total == 3
    other = [f(field=kestrapy.QueryFilterField("labels"),
               operation=kestrapy.QueryFilterOp("EQUALS"), value={"team": "Blue"})]  # fmt: skip
    assert client.flows.search_flows(T, filters=[*filters(namespace=ns), *other]).total == 0


def test_flows_are_replaced_in_bulk(client: Any, ns: str) -> None:
    documents = f"{source(ns, 'a')}---\n{source(ns, 'b')}"
    made = client.flows.bulk_update_flows(T, namespace=ns, body=documents)
    assert sorted(flow.id for flow in made) == ["a", "b"]
    client.flows.update_flows_in_namespace(ns, T, source("elsewhere", "c"), override=True)
    assert [flow.id for flow in client.flows.list_flows_by_namespace(ns, T)] == ["c"]


def test_flows_are_switched_exported_imported_and_deleted_in_bulk(client: Any, ns: str) -> None:
    ids = [kestrapy.IdWithNamespace(namespace=ns, id=name) for name in ("a", "b")]
    for name in ("a", "b"):
        client.flows.create_flow(T, f"# keep me\n{source(ns, name)}")
    assert client.flows.disable_flows_by_ids(T, ids).count == 2
    off = client.flows.flow(ns, "a", T, source=True)
    assert off.disabled
    assert "# keep me" in off.source
    assert client.flows.enable_flows_by_query(T, filters=filters(namespace=ns)).count == 2
    assert client.flows.disable_flows_by_query(T, filters=filters(namespace=ns)).count == 2
    assert client.flows.enable_flows_by_ids(T, ids).count == 2
    archive = client.flows.export_flows_by_ids(T, ids)
    names = zipfile.ZipFile(io.BytesIO(archive)).namelist()
    assert names == [f"{ns}.a.yaml", f"{ns}.b.yaml"]
    assert client.flows.export_flows_by_query(T, filters=filters(namespace=ns))[:2] == b"PK"
    table = client.flows.export_flows_by_query_csv(T, filters=filters(namespace=ns))
    assert [line.split(",")[1] for line in table.splitlines()] == ["id", "a", "b"]
    assert client.flows.delete_flows_by_ids(T, ids).count == 2
    assert client.flows.import_flows(T, fail_on_error=True, file_content=archive) == []
    assert client.flows.import_flows(T, file_content=b"id: x\n") == ["0"]
    assert client.flows.delete_flows_by_query(T, filters=filters(namespace=ns)).count == 2


def test_flows_tasks_and_triggers_are_validated(client: Any, ns: str) -> None:
    bad = source(ns).replace("log.Log", "log.Lug")
    good, wrong = client.flows.validate_flows(T, f"{source(ns)}---\n{bad}")
    assert (good.constraints, good.flow, wrong.index) == (None, "f", 1)
    assert "Invalid type" in wrong.constraints
    log = {"id": "a", "type": "io.kestra.plugin.core.log.Log"}
    assert "message" in client.flows.validate_task("TASKS", T, log).constraints
    assert client.flows.validate_task("TASKS", T, {**log, "message": "x"}).constraints is None
    schedule = {"id": "s", "type": "io.kestra.plugin.core.trigger.Schedule", "cron": "0 * * * *"}
    assert client.flows.validate_trigger(T, schedule).constraints is None
    assert client.flows.validate_trigger(T, {**schedule, "cron": "x"}).constraints


def test_graphs_and_dependencies_are_drawn(client: Any, ns: str) -> None:
    branch = (
        "  - id: if\n    type: io.kestra.plugin.core.flow.If\n    condition: '{{ true }}'\n"
        "    then: [{id: yes, type: io.kestra.plugin.core.debug.Return, format: x}]\n"
        f"  - {{id: sub, type: io.kestra.plugin.core.flow.Subflow, namespace: {ns}, flowId: child}}"
    )
    client.flows.create_flow(T, source(ns, "child"))
    listener = (
        "triggers:\n  - id: after\n    type: io.kestra.plugin.core.trigger.Flow\n"
        f"    preconditions: {{id: p, flows: [{{namespace: {ns}, flowId: child}}]}}"
    )
    client.flows.create_flow(T, source(ns, "listener", more=listener))
    client.flows.create_flow(T, source(ns, "parent", branch))
    graph = client.flows.generate_flow_graph(ns, "parent", T)
    uids = {node.uid for node in graph.nodes}
    assert {"root.if", "root.yes", "root.sub"} <= uids
    assert {edge.source for edge in graph.edges} | {edge.target for edge in graph.edges} <= uids
    assert [cluster.cluster.uid for cluster in graph.clusters] == ["cluster_root.if"]
    assert ("root.if", "root.yes", "CHOICE") in [
        (e.source, e.target, e.relation.relation_type.value) for e in graph.edges
    ]
    assert client.flows.generate_flow_graph_from_source(T, source(ns, "x")).nodes
    found = client.flows.flow_dependencies(ns, "child", T)
    edges = sorted((e.source.rpartition("_")[2], e.target.rpartition("_")[2], e.relation.value)
                   for e in found.edges)  # fmt: skip
    assert edges == [("child", "listener", "FLOW_TRIGGER"), ("parent", "child", "FLOW_TASK")]
    assert len(client.flows.flow_dependencies(ns, "child", T, destination_only=True).edges) == 1
    whole = client.flows.flow_dependencies(ns, "parent", T, expand_all=True)
    assert sorted(node.id for node in whole.nodes) == ["child", "listener", "parent"]
    assert len(client.flows.flow_dependencies_from_namespace(ns, T).edges) == 2


def test_text_is_replaced_in_sources(client: Any, ns: str) -> None:
    client.flows.create_flow(T, source(ns))
    body = {"query": "hi {{", "replacement": "hello {{", "namespace": ns}
    preview = client.flows.preview_replace_by_source_code(T, body)
    assert (preview["totalMatches"], preview["totalFlows"]) == (1, 1)
    names = [{"namespace": ns, "id": "f"}, {"namespace": ns, "id": "gone"}]
    done = client.flows.apply_replace_by_source_code(T, {**body, "flows": names})
    assert [flow["revision"] for flow in done["updated"]] == [2]
    assert [item["reason"] for item in done["skipped"]] == ["NOT_FOUND"]
    line = {"query": "blue", "replacement": "red", "namespace": ns, "id": "f", "line": 3}
    client.flows.replace_line_by_source_code(T, line)
    assert client.flows.flow(ns, "f", T).labels[0].value == "red"


def test_executions_are_made_and_read(client: Any, ns: str) -> None:
    client.flows.create_flow(T, source(ns))
    made = client.executions.create_execution(
        T, ns, "f", labels=["run:1"], wait=True, inputs={"who": "you"}
    )
    assert made.state.current is kestrapy.StateType.SUCCESS
    assert made.inputs == {"who": "you"}
    assert isinstance(made.state.start_date, datetime)
    assert isinstance(made.state.histories[0].var_date, datetime)
    assert made.metadata.attempt_number == 1
    assert made.url.endswith(f"/ui/executions/{ns}/f/{made.id}")
    (run,) = made.task_run_list
    assert (run.task_id, run.state.current.value) == ("hi", "SUCCESS")
    assert run.attempts[0].state.current.value == "SUCCESS"
    again = client.executions.execution(made.id, T)
    assert (again.id, again.flow_revision, again.original_id) == (made.id, 1, made.id)
    found = client.executions.search_executions(T, filters=filters(namespace=ns))
    assert [item["id"] for item in found["results"]] == [made.id]
    assert client.executions.search_executions_by_flow_id(T, ns, "f")["total"] == 1
    (last,) = client.executions.latest_executions(T, [{"namespace": ns, "id": "f"}])
    assert (last.id, last.status.value) == (made.id, "SUCCESS")
    assert client.executions.flow_from_execution(T, ns, "f").id == "f"
    assert client.executions.flow_from_execution_by_id(made.id, T).revision == 1
    graph = client.executions.execution_flow_graph(made.id, T)
    assert "root.hi" in {node.uid for node in graph.nodes}
    assert ns in client.executions.list_executable_namespaces(T)
    assert [f.id for f in client.executions.list_executable_flows_by_namespace(ns, T)] == ["f"]
    assert client.executions.execution_average_duration(ns, "f", T)["averageDuration"] > 0
    table = client.executions.export_executions_by_query_to_csv(T, filters=filters(namespace=ns))
    assert made.id in table
    states = client.executions.find_distinct_execution_field_values(
        T, "state", filters=filters(namespace=ns)
    )
    assert states == ["SUCCESS"]


def test_inputs_are_validated_without_a_start(client: Any, ns: str) -> None:
    client.flows.create_flow(T, source(ns).replace("defaults: world}]", "defaults: world}, "
                                                   "{id: n, type: INT}]"))  # fmt: skip
    answer = client.executions.validate_new_execution_inputs(ns, "f", T, inputs={"n": "x"})
    by_id = {item["input"]["id"]: item for item in answer["inputs"]}
    assert by_id["n"]["errors"]
    assert by_id["who"]["value"] == "world"
    with pytest.raises(UnprocessableEntityException):
        client.executions.create_execution(T, ns, "f", inputs={"n": "x"})


FILES = """
  - id: write
    type: io.kestra.plugin.core.storage.Write
    extension: .csv
    content: |
      a,b
      1,x
      2,y
"""


def test_files_and_outputs_are_read(client: Any, ns: str) -> None:
    client.flows.create_flow(T, source(ns, tasks=FILES, more="outputs: [{id: o, type: STRING, "
                                       "value: '{{ outputs.write.uri }}'}]"))  # fmt: skip
    made = client.executions.create_execution(T, ns, "f", wait=True)
    uri = client.outputs.execution_outputs(made.id, T)["o"]
    (info,) = client.outputs.task_outputs_information(made.id, T)
    assert info.task_id == "write"
    assert client.outputs.task_run_outputs(made.id, info.task_run_id, T)["uri"] == uri
    content = client.executions.download_file_from_execution(made.id, uri, T)
    assert content == b"a,b\n1,x\n2,y\n"
    assert client.executions.file_metadatas_from_execution(made.id, uri, T).size == len(content)
    preview = client.executions.preview_file_from_execution(made.id, uri, T, max_rows=1)
    assert (preview["type"], preview["content"]) == ("LIST", [{"a": "1", "b": "x"}])
    assert preview["truncated"]


def test_expressions_are_evaluated_without_secrets(client: Any, ns: str) -> None:
    client.flows.create_flow(T, source(ns))
    made = client.executions.create_execution(T, ns, "f", wait=True, inputs={"who": "you"})
    answer = client.executions.eval_expression(made.id, T, "{{ inputs.who }} {{ flow.id }}")
    assert answer["result"] == "you f"
    run = made.task_run_list[0].id
    assert (
        client.executions.eval_task_run_expression(made.id, run, T, "{{ task.id }}").result == "hi"
    )
    hidden = client.executions.eval_expression(made.id, T, "{{ secret('API_KEY') | reverse }}")
    assert "hunter2" not in hidden["result"][::-1]
    assert client.executions.eval_expression(made.id, T, "{{ nothing }}")["error"]


PAUSE = """
  - {id: stop, type: io.kestra.plugin.core.flow.Pause, onResume: [{id: n, type: INT}]}
  - {id: go, type: io.kestra.plugin.core.debug.Return, format: '{{ outputs.stop.onResume.n }}'}
"""


def test_paused_executions_are_resumed_with_values(client: Any, ns: str) -> None:
    client.flows.create_flow(T, source(ns, tasks=PAUSE))
    made = client.executions.create_execution(T, ns, "f")
    ended(client, made.id, "PAUSED")
    checked = client.executions.validate_resume_execution_inputs(made.id, T, inputs={"n": "x"})
    assert checked["inputs"][0]["errors"]
    client.executions.resume_execution(made.id, T, inputs={"n": 7})
    assert ended(client, made.id).state.current.value == "SUCCESS"
    outputs = client.outputs.task_outputs_information(made.id, T)
    values = client.outputs.task_run_outputs(made.id, outputs[-1].task_run_id, T)
    assert values == {"value": "7"}


def test_an_execution_is_acted_on(client: Any, ns: str) -> None:
    fails = "  - {id: boom, type: io.kestra.plugin.core.execution.Fail}"
    client.flows.create_flow(T, source(ns, tasks=fails))
    api = client.executions
    made = api.create_execution(T, ns, "f", wait=True)
    assert made.state.current.value == "FAILED"
    assert api.restart_execution(made.id, T).id == made.id
    ended(client, made.id, "FAILED")
    replay = api.replay_execution(made.id, T)
    assert replay.original_id == made.id
    ended(client, replay.id)
    changed = api.replay_execution_with_inputs(made.id, T, inputs={"who": "them"})
    assert ended(client, changed.id).inputs == {"who": "them"}
    labelled = api.set_labels_on_terminated_execution(
        made.id, T, [kestrapy.Label(key="why", value="test")]
    )
    assert ("why", "test") in [(label.key, label.value) for label in labelled.labels]
    status = api.update_execution_status(made.id, kestrapy.StateType.WARNING, T)
    assert status.state.current.value == "WARNING"
    run = made.task_run_list[0].id
    request = kestrapy.ExecutionControllerStateRequest(taskRunId=run, state="SUCCESS")
    api.update_task_run_state(made.id, T, request)
    assert ended(client, made.id, "SUCCESS").task_run_list[0].state.current.value == "SUCCESS"
    later = api.create_execution(T, ns, "f", schedule_date="2999-01-01T00:00:00Z")
    assert api.force_run_execution(later.id, T).id == later.id
    ended(client, later.id)
    api.delete_execution(made.id, T, delete_logs=False)
    with pytest.raises(NotFoundException):
        api.execution(made.id, T)


def test_running_executions_are_paused_followed_and_killed(
    client: Any, ns: str, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    wait = (
        "  - id: wait\n    type: io.kestra.plugin.scripts.shell.Commands\n    taskRunner: "
        "{type: io.kestra.plugin.core.runner.Process}\n    commands: "
        f"['echo begun; while [ ! -e {gate} ]; do sleep 0.02; done']\n{HELLO}"
    )
    client.flows.create_flow(T, source(ns, tasks=wait))
    made = client.executions.create_execution(T, ns, "f")
    ended(client, made.id, "RUNNING")
    assert client.executions.pause_execution(made.id, T).id == made.id
    ended(client, made.id, "PAUSED")
    client.executions.resume_execution(made.id, T)
    killed = client.executions.create_execution(T, ns, "f")
    ended(client, killed.id, "RUNNING")
    assert client.executions.kill_execution(killed.id, T).id == killed.id
    assert ended(client, killed.id).state.current.value == "KILLED"
    states = []
    for event in client.executions.follow_execution(made.id, T):
        states.append(event.state.current.value)
        gate.touch()
    assert states[-1] == "SUCCESS"


def test_executions_are_acted_on_in_bulk(client: Any, ns: str) -> None:
    fails = "  - {id: boom, type: io.kestra.plugin.core.execution.Fail}"
    client.flows.create_flow(T, source(ns, tasks=fails))
    api, mine = client.executions, filters(namespace=ns)
    ids = [api.create_execution(T, ns, "f", wait=True).id for _ in range(2)]
    assert api.restart_executions_by_ids(T, ids)["count"] == 2
    for execution_id in ids:
        ended(client, execution_id, "FAILED")
    assert api.restart_executions_by_query(T, filters=mine)["count"] == 2
    for execution_id in ids:
        ended(client, execution_id, "FAILED")
    request = kestrapy.ExecutionControllerSetLabelsByIdsRequest(
        executionsId=ids, executionLabels=[kestrapy.Label(key="a", value="b")]
    )
    assert api.set_labels_on_terminated_executions_by_ids(T, request)["count"] == 2
    labels = [kestrapy.Label(key="c", value="d")]
    assert api.set_labels_on_terminated_executions_by_query(T, labels, filters=mine)["count"] == 2
    state = kestrapy.StateType.WARNING
    assert api.update_executions_status_by_ids(T, state, ids)["count"] == 2
    assert api.update_executions_status_by_query(T, state, filters=mine)["count"] == 2
    for act in (api.pause_executions_by_ids, api.resume_executions_by_ids, api.force_run_by_ids,
                api.kill_executions_by_ids):  # fmt: skip
        with pytest.raises(BadRequestException, match="invalid bulk"):
            act(T, ids)
    for act in (api.pause_executions_by_query, api.resume_executions_by_query,
                api.force_run_executions_by_query, api.kill_executions_by_query):  # fmt: skip
        with pytest.raises(BadRequestException, match="invalid bulk"):
            act(T, filters=mine)
    running = kestrapy.StateType.RUNNING
    with pytest.raises(BadRequestException, match="not in state QUEUED"):
        api.unqueue_executions_by_ids(T, running, ids)
    with pytest.raises(BadRequestException, match="not in state QUEUED"):
        api.unqueue_executions_by_query(T, running, filters=mine)
    assert api.replay_executions_by_ids(T, ids, latest_revision=True)["count"] == 2
    until(lambda: api.search_executions(T, filters=[*mine, *filters(state="FAILED")])["total"] == 2)
    assert api.replay_executions_by_query(T, filters=filters(namespace="nobody"))["count"] == 0
    assert api.delete_executions_by_ids(T, ids).count == 2
    assert api.delete_executions_by_query(T, filters=mine)["count"] == 2


WEBHOOK = "triggers: [{id: hook, type: io.kestra.plugin.core.trigger.Webhook, key: k3y}]"


def test_webhooks_start_executions(client: Any, ns: str) -> None:
    client.flows.create_flow(T, source(ns, more=WEBHOOK))
    found = client.executions.trigger_execution_by_get_webhook(T, ns, "f", "k3y")
    assert (found.namespace, found.flow_id) == (ns, "f")
    assert ended(client, found.id).trigger.id == "hook"
    for call in (
        client.executions.trigger_execution_by_get_webhook_with_path,
        client.executions.trigger_execution_by_post_webhook_with_path,
        client.executions.trigger_execution_by_put_webhook_with_path,
    ):
        assert call(T, ns, "f", "k3y", "a/b").flow_id == "f"


def test_logs_are_read_followed_searched_and_deleted(client: Any, ns: str) -> None:
    client.flows.create_flow(T, source(ns))
    made = client.executions.create_execution(T, ns, "f", wait=True)
    lines = until(lambda: client.logs.list_logs_from_execution(made.id, T, task_id="hi"))
    assert "hi world" in [line.message for line in lines]
    assert lines[0].level.value == "INFO"
    assert isinstance(lines[0].timestamp, datetime)
    assert client.logs.list_logs_from_execution(made.id, T, min_level="ERROR") == []
    assert "hi world" in client.logs.download_logs_from_execution(made.id, T)
    followed = [line.message for line in client.logs.follow_logs_from_execution(made.id, T)]
    assert "hi world" in followed
    found = client.logs.search_logs(T, filters=filters(namespace=ns, level="INFO"))
    assert found.total == len(found.results)
    assert found.type.value == "OFFSET"
    client.logs.delete_logs_from_execution(made.id, T, min_level="INFO", task_id="hi")
    assert client.logs.list_logs_from_execution(made.id, T, task_id="hi") == []
    client.logs.delete_logs_from_flow(ns, "f", "nobody", T)


ROWS = {"metrics": [{"name": "rows", "type": "counter", "value": 5, "tags": {"a": "b"}}]}
METRICS = f"""
  - id: script
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner: {{type: io.kestra.plugin.core.runner.Process}}
    commands:
      - |
        echo '::{json.dumps(ROWS)}::'
"""


def test_metrics_are_listed_and_aggregated(client: Any, ns: str) -> None:
    client.flows.create_flow(T, source(ns, tasks=METRICS))
    made = client.executions.create_execution(T, ns, "f", wait=True)
    found = client.metrics.execution_metrics(made.id, T, task_id="script")
    assert [(m["name"], m["value"], m["tags"]) for m in found["results"]] == [
        ("rows", 5, {"a": "b"})
    ]
    assert client.metrics.flow_metric_names(ns, "f", T) == ["rows"]
    assert client.metrics.task_metric_names(ns, "f", "script", T) == ["rows"]
    assert client.metrics.tasks_with_metrics(ns, "f", T) == ["script"]
    client.executions.create_execution(T, ns, "f", wait=True)
    for aggregate in (
        client.metrics.aggregate_flow_metric(ns, "f", "rows", T, aggregation="sum"),
        client.metrics.aggregate_task_metric(ns, "f", "script", "rows", T, aggregation="sum"),
    ):
        assert aggregate["groupBy"] == "day"
        assert sum(item["value"] or 0 for item in aggregate["aggregations"]) == 10


SCHEDULE = (
    "triggers: [{id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: '0 0 * * *'}]"
)


def test_triggers_are_read_switched_and_restarted(client: Any, ns: str) -> None:
    client.flows.create_flow(T, source(ns, more=SCHEDULE))
    api, mine = client.triggers, filters(namespace=ns)
    (found,) = api.search_triggers(T, filters=mine)["results"]
    typed = kestrapy.ApiTriggerAndState.from_dict(
        {"trigger": found["trigger"], "state": found["state"]}
    )
    assert (typed.trigger.id, typed.state.trigger_id) == ("daily", "daily")
    assert typed.state.next_evaluation_date is not None
    assert api.search_triggers_for_flow(T, ns, "f")["total"] == 1
    name = {"namespace": ns, "flowId": "f", "triggerId": "daily"}
    assert api.disable_trigger_by_id(T, {**name, "disabled": True})["disabled"]
    request = kestrapy.TriggerControllerSetDisabledRequest(triggers=[name], disabled=False)
    assert api.disabled_triggers_by_ids(T, request)["count"] == 1
    assert api.disabled_triggers_by_query(T, disabled=True, filters=mine)["count"] == 1
    off = api.search_triggers(T, filters=[*mine, *filters(triggerState="DISABLED")])
    assert off["total"] == 1
    assert api.disabled_triggers_by_query(T, disabled=False, filters=mine)["count"] == 1
    assert api.restart_trigger(T, ns, "f", "daily")["triggerId"] == "daily"
    with pytest.raises(ApiException) as caught:
        api.unlock_trigger(T, ns, "f", "daily")
    assert caught.value.status == 409
    assert api.unlock_triggers_by_ids(T, [name])["count"] == 0
    assert api.unlock_triggers_by_query(T, filters=mine)["count"] == 0
    assert "daily" in api.export_triggers(T, filters=mine)
    api.delete_trigger(T, ns, "f", "daily")
    assert api.search_triggers_for_flow(T, ns, "f")["total"] == 1, "it begins anew"
    assert api.delete_triggers_by_ids(T, [name])["count"] == 1
    body = kestrapy.DeleteTriggersByQueryRequest(filters=mine)
    assert api.delete_triggers_by_query(T, body)["count"] == 1


def test_backfills_are_made_paused_and_cancelled(client: Any, ns: str) -> None:
    client.flows.create_flow(T, source(ns, more=SCHEDULE))
    api, mine = client.triggers, filters(namespace=ns)
    name = {"namespace": ns, "flowId": "f", "triggerId": "daily"}
    start = datetime.fromisoformat("2020-01-01T00:00:00+00:00")
    window = {"start": start.isoformat(), "end": (start + timedelta(days=300)).isoformat(),
              "labels": [{"key": "why", "value": "backfill"}]}  # fmt: skip

    def begin() -> dict[str, Any]:
        found: dict[str, Any] = api.create_backfill(T, {**name, "backfill": window})
        return found

    typed = kestrapy.Backfill.from_dict(begin()["backfill"])
    assert typed.start == start
    assert api.pause_backfill(T, name)["backfill"]["paused"]
    assert not api.unpause_backfill(T, name)["backfill"]["paused"]
    assert api.pause_backfill_by_ids(T, [name])["count"] == 1
    assert api.unpause_backfill_by_ids(T, [name])["count"] == 1
    assert api.pause_backfill_by_query(T, filters=mine)["count"] == 1
    assert api.unpause_backfill_by_query(T, filters=mine)["count"] == 1
    assert "backfill" not in api.delete_backfill(T, name)
    begin()
    assert api.delete_backfill_by_ids(T, [name])["count"] == 1
    begin()
    assert api.delete_backfill_by_query(T, filters=mine)["count"] == 1


def test_values_are_kept_by_key(client: Any, ns: str) -> None:
    client.kv.set_key_value(ns, "n", T, "41")
    client.kv.set_key_value(ns, "s", T, '"text"')
    found = client.kv.key_value(ns, "n", T)
    assert (found.type.value, found.value, found.revision) == ("NUMBER", 41, 1)
    with pytest.raises(NotFoundException):
        client.kv.key_value(ns, "gone", T)
    assert client.kv.delete_key_value(ns, "n", T) is True
    request = kestrapy.KVControllerApiDeleteBulkRequest(keys=["s", "gone"])
    assert client.kv.delete_key_values(ns, T, request).keys == ["s"]


def test_namespace_files_are_kept(client: Any, ns: str) -> None:
    api = client.files
    api.create_namespace_file(ns, "sql/a.sql", T, b"select 1")
    assert api.file_content(ns, "sql/a.sql", T) == b"select 1"
    assert api.file_metadatas(ns, T, "sql/a.sql").size == 8
    assert api.search_namespace_files(ns, "a.sql", T) == ["/sql/a.sql"]
    assert [item.file_name for item in api.list_namespace_directory_files(ns, T, "sql")] == [
        "a.sql"
    ]
    api.delete_file_directory(ns, "sql", T)
    assert api.search_namespace_files(ns, "a", T) == []


def test_plugins_are_described(client: Any) -> None:
    listed = client.plugins.list_plugins()
    types = [item["cls"] for group in listed for item in group["tasks"]]
    assert "io.kestra.plugin.core.log.Log" in types
    groups = client.plugins.list_plugins_by_subgroups()
    assert "io.kestra.plugin.core.log" in [group.get("subGroup") for group in groups]
    docs = client.plugins.plugin_documentation("io.kestra.plugin.core.log.Log")
    assert "message" in docs["markdown"]
    assert "message" in docs["schema"]["properties"]["properties"]
    assert client.plugins.plugin_versions("core.log.Log")["versions"]
    assert client.plugins.plugin_icons()["io.kestra.plugin.core.flow.If"]["flowable"]
    assert {"STRING", "FILE"} <= {item["type"] for item in client.plugins.plugin_input_types()}
    assert client.plugins.plugin_input_schema("STRING")["schema"]
    assert client.plugins.plugin_schema("flow")["properties"]["tasks"]
    assert client.plugins.plugin_properties("flow")["id"]
    trigger_types = [item["type"] for item in client.plugins.plugin_triggers()["results"]]
    assert "io.kestra.plugin.core.trigger.Schedule" in trigger_types
    with pytest.raises(NotFoundException):
        client.plugins.plugin_documentation("io.kestra.plugin.nobody.Nothing")


def test_the_server_tells_about_itself(client: Any) -> None:
    found = client.misc.configuration()
    assert found.version
    assert found.preview.max > found.preview.initial
    assert "upper" in client.misc.pebble_filters()
    assert "secret" in client.misc.pebble_functions()


KESTRA = """
import os, sys
from kestra import Flow, Kestra
flow = Flow({arguments})
flow.password = os.environ["KESTRA_PASSWORD"]  # it reads the user only
made = flow.execute("{ns}", "f", {{"who": "them"}})
print(made.status, made.execution_id)
"""


@pytest.mark.parametrize("arguments", ["poll_interval=0.1", "poll_interval=0.1, tenant='main'"])
def test_the_scripts_library_executes_flows(
    server: Api, client: Any, ns: str, arguments: str
) -> None:
    client.flows.create_flow(T, source(ns))
    script = KESTRA.format(ns=ns, arguments=arguments)
    environment = {
        "KESTRA_HOSTNAME": server.url, "KESTRA_USER": USER, "KESTRA_PASSWORD": PASSWORD,
        "PATH": "/usr/bin:/bin", "NO_PROXY": "127.0.0.1",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=50,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    status, execution_id = done.stdout.split()[-2:]
    assert status == "SUCCESS"
    assert client.executions.execution(execution_id, T).inputs == {"who": "them"}


REPORTS = """
  - id: python
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner: {{type: io.kestra.plugin.core.runner.Process}}
    commands:
      - |
        {python} -c "
        from kestra import Kestra
        Kestra.outputs({{'answer': 42, 'list': [1, 2]}})
        Kestra.counter('rows', 3, {{'kind': 'x'}})
        Kestra.timer('took', 250)
        Kestra.gauge('load', 0.5)
        Kestra.logger().warning('careful')
        "
"""


def test_the_scripts_library_reports_outputs_metrics_and_logs(client: Any, ns: str) -> None:
    client.flows.create_flow(T, source(ns, tasks=REPORTS.format(python=sys.executable)))
    made = client.executions.create_execution(T, ns, "f", wait=True)
    assert made.state.current.value == "SUCCESS", client.logs.download_logs_from_execution(
        made.id, T
    )
    run = made.task_run_list[0].id
    values = client.outputs.task_run_outputs(made.id, run, T)["vars"]
    assert values == {"answer": 42, "list": [1, 2]}
    metrics = {m["name"]: m for m in client.metrics.execution_metrics(made.id, T)["results"]}
    assert {name: m["type"] for name, m in metrics.items()} == {
        "rows": "counter", "took": "timer", "load": "gauge",
    }  # fmt: skip
    assert metrics["rows"]["tags"] == {"kind": "x"}
    (line,) = client.logs.list_logs_from_execution(made.id, T, min_level="WARN")
    assert "careful" in line.message


def curl(server: Api, *arguments: str) -> str:
    done = subprocess.run(
        ["curl", "-sS", "--fail-with-body", "--noproxy", "*", "-u", f"{USER}:{PASSWORD}",
         *arguments],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("base", ["/api/v1", "/api/v1/main"])
def test_the_curl_lines_of_courses_work(
    server: Api, client: Any, ns: str, tmp_path: Path, base: str
) -> None:
    file = tmp_path / "flow.yaml"
    file.write_text(source(ns, more=WEBHOOK))
    url = f"{server.url}{base}"
    assert curl(server, "-X", "POST", f"{url}/flows/import", "-F", f"fileUpload=@{file}") == "[]"
    made = curl(server, "-X", "POST", "-F", "who=curl", f"{url}/executions/{ns}/f?wait=true")
    assert '"current":"SUCCESS"' in made
    hooked = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "-H", "Content-Type: application/json", "-d",
         '{"a": 1}', f"{url}/executions/webhook/{ns}/f/k3y"],
        capture_output=True, text=True, timeout=30, check=True,
    ).stdout  # fmt: skip
    assert f'"namespace":"{ns}"' in hooked, "the key is the credential"
    file.write_bytes(source(ns, "second").encode())
    yaml = ("-H", "Content-Type: application/x-yaml", "--data-binary", f"@{file}")
    assert '"id":"second"' in curl(server, "-X", "POST", *yaml, f"{url}/flows")
    assert '"id":"second"' in curl(server, "-X", "PUT", *yaml, f"{url}/flows/{ns}/second")
    curl(server, "-X", "DELETE", f"{url}/flows/{ns}/second")
    curl(server, "-X", "DELETE", f"{url}/flows/{ns}/f")
