"""Executions over HTTP: creating, following, acting on one and on many."""

from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api, Flow
from tests.api.flows import FAILS, HELLO, PAUSES, waits

MISSING = "0000000000000000000000"


def run(api: Api, ns: str, flow_id: str, status: int = 200, **options: object) -> dict[str, object]:
    found = api("POST", f"/executions/{ns}/{flow_id}?wait=true", status, **options)
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("base", ["/api/v1", "/api/v1/main"])
def test_an_execution_is_created_and_read_under_both_prefixes(
    api: Api, ns: str, flow: Flow, base: str
) -> None:
    flow(HELLO)
    path = f"/executions/{ns}/f?wait=true&labels=team:a&labels=url:http://x"
    made = api("POST", path, base=base)
    found = api("GET", f"/executions/{made['id']}", base=base)
    assert found["state"]["current"] == "SUCCESS"
    assert [run["taskId"] for run in found["taskRunList"]] == ["hi"]
    labels = {item["key"]: item["value"] for item in found["labels"]}
    assert (labels["team"], labels["url"]) == ("a", "http://x")
    states = [item["state"] for item in found["state"]["histories"]]
    assert states == ["CREATED", "RUNNING", "SUCCESS"]


def test_without_wait_the_answer_comes_at_once(api: Api, ns: str, flow: Flow) -> None:
    flow(HELLO)
    made = api("POST", f"/executions/trigger/{ns}/f")
    assert made["state"]["current"] == "CREATED"
    assert api.wait(made["id"]).state.is_terminal


def test_inputs_come_as_a_form_with_files_or_as_json(api: Api, ns: str, flow: Flow) -> None:
    flow(
        "  - {id: r, type: core.debug.Return, format: '{{ inputs.n + 1 }} {{ read(inputs.f) }}'}",
        more="inputs: [{id: n, type: INT}, {id: f, type: FILE}]",
    )
    files = {"n": (None, "41"), "f": ("../ä name.csv", b"content", "text/csv")}
    made = run(api, ns, "f", files=files)
    (task,) = made["taskRunList"]  # type: ignore[misc]
    assert task["outputs"] == {"value": "42 content"}
    uri = made["inputs"]["f"]  # type: ignore[index]
    assert run(api, ns, "f", json={"n": 1, "f": uri})["state"]["current"] == "FAILED"  # type: ignore[index]


@pytest.mark.parametrize("name", ["..", "/", "n" * 300 + ".csv"])
def test_a_hostile_file_name_does_no_harm(api: Api, ns: str, flow: Flow, name: str) -> None:
    flow(HELLO, more="inputs: [{id: f, type: FILE}]")
    answer = api.client.post(f"/api/v1/executions/{ns}/f", files={"f": (name, b"x")})
    assert answer.status_code in (200, 422), answer.text
    if answer.status_code == 200:
        uri = answer.json()["inputs"]["f"]
        assert ".." not in uri
        execution_id = answer.json()["id"]
        assert api("GET", f"/executions/{execution_id}/file", params={"path": uri}) == b"x"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"files": {"n": (None, "many")}}, "n"),
        ({"json": {"n": {}}}, "n"),
        ({"json": [1]}, "map of inputs"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, "not JSON"),
        ({"content": b"\xff", "headers": {"content-type": "application/json"}}, "not JSON"),
        ({"content": b"[" * 99999, "headers": {"content-type": "application/json"}}, "not JSON"),
    ],
)
def test_bad_inputs_are_refused(
    api: Api, ns: str, flow: Flow, options: dict[str, object], named: str
) -> None:
    flow(HELLO, more="inputs: [{id: n, type: INT}]")
    assert named in api.refused("POST", f"/executions/{ns}/f", 422, **options)


def test_a_broken_form_is_refused(api: Api, ns: str, flow: Flow) -> None:
    flow(HELLO)
    headers = {"content-type": "multipart/form-data; boundary=x"}
    api.refused("POST", f"/executions/{ns}/f", 400, content=b"--y\r\nnonsense", headers=headers)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("labels=novalue", 422), ("labels=system.x:y", 422), ("labels=a:", 422),
        ("revision=9", 404), ("revision=0", 422), (f"revision={10**30}", 422),
        ("scheduleDate=tomorrow", 422), ("wait=perhaps", 422),
    ],
)  # fmt: skip
def test_bad_parameters_of_a_creation_are_refused(
    api: Api, ns: str, flow: Flow, query: str, status: int
) -> None:
    flow(HELLO)
    api.refused("POST", f"/executions/{ns}/f?{query}", status)


def test_a_date_without_a_zone_is_utc(api: Api, ns: str, flow: Flow) -> None:
    flow(HELLO)
    made = api("POST", f"/executions/{ns}/f?scheduleDate=2999-01-01T00:00:00")
    assert made["scheduleDate"] == "2999-01-01T00:00:00Z"
    assert api("POST", f"/executions/{made['id']}/force-run")["state"]["current"] != "CREATED"


def test_a_missing_or_disabled_flow_is_not_run(api: Api, ns: str, flow: Flow) -> None:
    api.refused("POST", f"/executions/{ns}/nobody", 404)
    flow(HELLO, more="disabled: true")
    assert "disabled" in api.refused("POST", f"/executions/{ns}/f", 409)


def test_inputs_are_checked_without_a_start(api: Api, ns: str, flow: Flow) -> None:
    flow(
        HELLO,
        more="inputs: [{id: n, type: INT}, {id: s, type: SECRET}, {id: d, type: INT, defaults: 3}]",
    )
    form = {"n": (None, "x"), "s": (None, "hunter2")}
    answer = api("POST", f"/executions/{ns}/f/validate", files=form)
    by_id = {item["input"]["id"]: item for item in answer["inputs"]}
    assert by_id["n"]["errors"]
    assert by_id["d"]["value"] == 3
    assert by_id["d"]["isDefault"]
    assert "hunter2" not in str(answer)
    assert api("GET", "/executions/search", params={"namespace": ns})["total"] == 0


CHECKS = """
inputs: [{{id: n, type: INT}}]
checks:
  - condition: "{{{{ inputs.n < 10 }}}}"
    message: "{{{{ inputs.n }}}} is too much"
    style: ERROR
    behavior: {behavior}
"""


def test_a_check_that_does_not_hold_blocks_fails_or_only_warns(
    api: Api, ns: str, flow: Flow
) -> None:
    flow(HELLO, more=CHECKS.format(behavior="BLOCK_EXECUTION"))
    path, much = f"/executions/{ns}/f", {"n": (None, "12")}
    assert run(api, ns, "f", files={"n": (None, "9")})["state"]["current"] == "SUCCESS"  # type: ignore[index]
    assert "12 is too much" in api.refused("POST", path, 422, files=much)
    (told,) = api("POST", f"{path}/validate", files=much)["checks"]
    assert told == {"message": "12 is too much", "style": "ERROR", "behavior": "BLOCK_EXECUTION"}
    assert api("POST", f"{path}/validate", files={"n": (None, "9")})["checks"] == []
    assert api("GET", f"/executions/search?namespace={ns}")["total"] == 1
    flow(HELLO, name="g", more=CHECKS.format(behavior="FAIL_EXECUTION"))
    failed = run(api, ns, "g", files=much)
    assert failed["state"]["current"] == "FAILED"  # type: ignore[index]
    (line,) = api("GET", f"/logs/{failed['id']}")
    assert (line["level"], line["message"]) == ("ERROR", "12 is too much")
    flow(HELLO, name="h", more=CHECKS.format(behavior="CREATE_EXECUTION"))
    assert run(api, ns, "h", files=much)["state"]["current"] == "SUCCESS"  # type: ignore[index]


def test_following_ends_with_the_execution(api: Api, ns: str, flow: Flow, tmp_path: Path) -> None:
    flow(waits(tmp_path / "gate"))
    made = api("POST", f"/executions/{ns}/f")
    names = []
    for name, body in api.events(f"/executions/{made['id']}/follow"):
        names.append(name)
        assert body["id"] == made["id"]
        (tmp_path / "gate").touch()
    assert (names[0], names[-1]) == ("start", "end")
    assert body["state"]["current"] == "SUCCESS"
    assert [name for name, _ in api.events(f"/executions/{made['id']}/follow")] == ["end"]
    api.refused("GET", f"/executions/{MISSING}/follow", 404)


def test_a_running_execution_is_killed_and_an_ended_one_left(
    api: Api, ns: str, flow: Flow, tmp_path: Path
) -> None:
    flow(waits(tmp_path / "never"))
    made = api("POST", f"/executions/{ns}/f")
    next(api.events(f"/logs/{made['id']}/follow"))
    api("DELETE", f"/executions/{made['id']}/kill", 202)
    assert api.wait(made["id"]).state == "KILLED"
    api("DELETE", f"/executions/{made['id']}/kill", 202)
    path = f"/executions/{made['id']}/kill?isOnKillCascade=false"
    assert "KILLED" in api.refused("DELETE", path, 409)


def test_a_paused_execution_goes_on_with_the_values_given(api: Api, ns: str, flow: Flow) -> None:
    flow(PAUSES)
    made = api("POST", f"/executions/{ns}/f")
    api.wait(made["id"], lambda e: e.state.is_paused)
    api.refused("POST", f"/executions/{made['id']}/resume", 422, files={"n": (None, "x")})
    api("POST", f"/executions/{made['id']}/resume", 204, files={"n": (None, "7")})
    assert api.wait(made["id"]).state == "SUCCESS"
    api.refused("POST", f"/executions/{made['id']}/resume", 409)


def test_restarting_answers_with_the_execution_going_again(api: Api, ns: str, flow: Flow) -> None:
    flow(FAILS)
    made = run(api, ns, "f")
    again = api("POST", f"/executions/{made['id']}/restart")
    assert again["id"] == made["id"]
    assert len(again["state"]["histories"]) > 3
    assert api.wait(str(made["id"])).state == "FAILED"
    done = run(api, ns, flow(HELLO, "ok"))
    assert "No task found" in api.refused("POST", f"/executions/{done['id']}/restart", 422)


def test_a_replay_is_a_new_execution(api: Api, ns: str, flow: Flow) -> None:
    flow(HELLO)
    made = run(api, ns, "f")
    replay = api("POST", f"/executions/{made['id']}/replay")
    assert (replay["parentId"], replay["originalId"]) == (made["id"], made["id"])
    assert api.wait(replay["id"]).state == "SUCCESS"
    api.refused("POST", f"/executions/{made['id']}/replay?taskRunId=x", 422)


def test_states_of_the_past_can_be_changed(api: Api, ns: str, flow: Flow) -> None:
    flow(f"{FAILS}\n{HELLO}")
    made = run(api, ns, "f")
    (task,) = made["taskRunList"]  # type: ignore[misc]
    path = f"/executions/{made['id']}"
    changed = api("POST", f"{path}/change-status?status=WARNING")
    assert changed["state"]["current"] == "WARNING"
    api("POST", f"{path}/state", json={"taskRunId": task["id"], "state": "SUCCESS"})
    api.wait(str(made["id"]), lambda e: e.state == "SUCCESS")
    api.refused("POST", f"{path}/change-status?status=DONE", 422)
    for body in ({}, {"taskRunId": "x", "state": "SUCCESS"}, {"taskRunId": task["id"], "state": 1}):
        api.refused("POST", f"{path}/state", 422, json=body)


def test_labels_are_set_on_ended_executions(api: Api, ns: str, flow: Flow) -> None:
    flow(HELLO)
    made = run(api, ns, "f")
    path = f"/executions/{made['id']}/labels"
    changed = api("POST", path, json=[{"key": "a", "value": "b"}])
    assert {"key": "a", "value": "b"} in changed["labels"]
    found = api("GET", "/executions/search", params={"labels": "a:b", "namespace": ns})
    assert found["total"] == 1
    for body in ([{"key": "a"}], [{"key": "", "value": "b"}], [{"key": "system.x", "value": "y"}]):
        api.refused("POST", path, 422, json=body)


def test_lists_are_filtered_and_paged(api: Api, ns: str, flow: Flow) -> None:
    flow(HELLO)
    ids = [run(api, ns, "f")["id"] for _ in range(3)]
    part = api("GET", f"/executions/search?namespace={ns}&size=2&page=2&state=SUCCESS")
    assert (part["total"], [item["id"] for item in part["results"]]) == (3, ids[:1])
    assert api("GET", f"/executions?namespace={ns}&flowId=f&size=1")["total"] == 3
    for query in ("page=0", f"page={10**30}", "size=0", "state=X", "startDate=x", "timeRange=x"):
        api.refused("GET", f"/executions/search?{query}", 422)


def refusals(api: Api, method: str, path: str, **options: Any) -> dict[str, str]:
    """What is told of each execution when nothing was done."""
    body = api(method, path, 400, **options)
    assert body["message"].startswith("invalid bulk ")
    return {item["invalidValue"]: item["message"] for item in body["invalids"]}


def test_many_are_acted_on_together_or_not_at_all(api: Api, ns: str, flow: Flow) -> None:
    flow(FAILS)
    ids = [run(api, ns, "f")["id"] for _ in range(2)]
    told = refusals(api, "POST", "/executions/restart/by-ids", json=[*ids, MISSING])
    assert told == {MISSING: "execution not found"}
    assert [api("GET", f"/executions/{each}")["state"]["current"] for each in ids] == ["FAILED"] * 2
    assert api("POST", "/executions/restart/by-ids", json=ids)["count"] == 2
    for execution_id in ids:
        api.wait(str(execution_id))
    body = {"executionsId": ids, "executionLabels": [{"key": "a", "value": "b"}]}
    assert api("POST", "/executions/labels/by-ids", json=body)["count"] == 2
    mine = f"namespace={ns}&labels=a:b"
    wrong = {
        "DELETE kill": "execution already finished",
        "POST pause": "execution not in state RUNNING",
        "POST resume": "execution not in state PAUSED",
        "POST unqueue": "execution not in state QUEUED",
        "POST force-run": "execution in a terminated state",
    }
    for call, message in wrong.items():
        verb, name = call.split()
        told = refusals(api, verb, f"/executions/{name}/by-query?{mine}")
        assert told == dict.fromkeys(ids, message)
        assert told == refusals(api, verb, f"/executions/{name}/by-ids", json=ids)
    assert api("POST", f"/executions/replay/by-query?{mine}")["count"] == 2
    for item in api("GET", f"/executions/search?namespace={ns}")["results"]:
        api.wait(item["id"])
    assert api("DELETE", f"/executions/by-query?namespace={ns}")["count"] == 4
    assert api("GET", f"/executions/search?namespace={ns}")["total"] == 0
    for bad in ({"executionsId": [1], "executionLabels": []}, {"executionsId": ["x"]}, [], "x"):
        api.refused("POST", "/executions/labels/by-ids", 422, json=bad)


def test_what_runs_takes_no_labels_no_end_state_and_no_deletion(
    api: Api, ns: str, flow: Flow, tmp_path: Path
) -> None:
    flow(waits(tmp_path / "gate"))
    made = api("POST", f"/executions/{ns}/f")["id"]
    api.wait(made, lambda e: e.state == "RUNNING")
    labels = [{"key": "a", "value": "b"}]
    path = f"/executions/{made}"
    assert "not terminated" in api.refused("POST", f"{path}/labels", 400, json=labels)
    api.refused("POST", f"{path}/change-status?status=FAILED", 422)
    api.refused("POST", f"{path}/unqueue", 422)
    api.refused("POST", f"{path}/restart", 409)
    api.refused("POST", f"{path}/resume", 409)
    api.refused("DELETE", path, 409)
    body = {"executionsId": [made], "executionLabels": labels}
    not_yet = {made: "execution is not terminated"}
    assert refusals(api, "POST", "/executions/labels/by-ids", json=body) == not_yet
    assert refusals(api, "DELETE", "/executions/by-ids", json=[made]) == not_yet
    (tmp_path / "gate").touch()
    assert api.wait(made).state == "SUCCESS"
    api.refused("POST", f"{path}/change-status?status=RUNNING", 422)
    for action in ("pause", "unqueue", "force-run"):
        api.refused("POST", f"{path}/{action}", 422)


@pytest.mark.parametrize("name", ["pause", "restart", "replay", "labels", "unqueue", "resume"])
def test_a_flow_may_bear_the_name_of_an_action(api: Api, ns: str, flow: Flow, name: str) -> None:
    flow(HELLO, name=name)
    form = {"": (None, "")}
    made = api("POST", f"/executions/{ns}/{name}?wait=true", files=form)
    assert (made["flowId"], made["state"]["current"]) == (name, "SUCCESS")
    assert f"{ns}.below" in api.refused("POST", f"/executions/{ns}.below/{name}", 404)


def test_labels_that_it_has_already_may_be_said_again(api: Api, ns: str, flow: Flow) -> None:
    flow(HELLO)
    made = run(api, ns, "f")
    labels = [*made["labels"], {"key": "a", "value": "b"}]
    assert any(item["key"] == "system.correlationId" for item in labels)
    changed = api("POST", f"/executions/{made['id']}/labels", json=labels)
    assert {"key": "a", "value": "b"} in changed["labels"]


def test_a_deleted_execution_is_gone_with_its_logs(api: Api, ns: str, flow: Flow) -> None:
    flow(HELLO)
    made = run(api, ns, "f")
    api("DELETE", f"/executions/{made['id']}", 204)
    for path in ("executions", "logs", "metrics"):
        api.refused("GET", f"/{path}/{made['id']}", 404)
    gone = refusals(api, "DELETE", "/executions/by-ids", json=[made["id"]])
    assert gone == {made["id"]: "execution not found"}


def test_lines_are_followed_searched_and_downloaded(
    api: Api, ns: str, flow: Flow, tmp_path: Path
) -> None:
    flow(waits(tmp_path / "gate") + HELLO)
    made = api("POST", f"/executions/{ns}/f")
    told = []
    for name, body in api.events(f"/logs/{made['id']}/follow", minLevel="INFO"):
        told.append(body.get("message", name))
        (tmp_path / "gate").touch()
    assert told == ["begun", f"hi {made['id']}", "end"]
    found = api("GET", f"/logs/{made['id']}?minLevel=INFO&taskId=hi")
    assert [line["message"] for line in found] == [f"hi {made['id']}"]
    assert found[0]["attemptNumber"] == 0
    after = api("GET", f"/logs/{made['id']}?minLevel=INFO&after={found[0]['index']}")
    assert after == []
    page = api("GET", f"/logs/search?namespace={ns}&minLevel=INFO&size=1&page=2")
    assert (page["total"], page["results"][0]["message"]) == (2, "begun")
    text = api("GET", f"/logs/{made['id']}/download?minLevel=INFO").decode()
    assert [line.split(" ", 3)[3] for line in text.splitlines()] == told[:2]
    for query in ("minLevel=LOUD", "attempt=x", "after=x"):
        api.refused("GET", f"/logs/{made['id']}?{query}", 422)
    api.refused("GET", f"/logs/{MISSING}/follow", 404)
    api.refused("GET", f"/logs/{MISSING}/download", 404)


def test_files_of_an_execution_are_its_own(api: Api, ns: str, flow: Flow) -> None:
    flow(
        "  - {id: w, type: scripts.shell.Commands, outputFiles: ['*.txt'],"
        " commands: ['echo -n hello > out.txt']}"
    )
    made, other = run(api, ns, "f"), run(api, ns, "f")
    (task,) = made["taskRunList"]  # type: ignore[misc]
    uri = task["outputs"]["outputFiles"]["out.txt"]
    path = f"/executions/{made['id']}/file"
    assert api("GET", path, params={"path": uri}) == b"hello"
    assert api("GET", f"{path}/metas", params={"path": uri}) == {"size": 5}
    prefix = f"kestra:///{ns}/f/executions/{made['id']}"
    for bad, status in (
        (f"{prefix}/nothing", 404), (f"{prefix}/{'n' * 300}", 422), ("file:///etc/passwd", 422),
        (f"{prefix}/../../../../master.key", 422), (f"{prefix}/%2e%2e/x", 422), ("", 422),
        (f"{prefix}/a%00b", 422), ("kestra:///_blobs/x", 404),
    ):  # fmt: skip
        api.refused("GET", path, status, params={"path": bad})
    for route, wanted in (("file", b"hello"), ("file/metas", {"size": 5})):
        there = f"/executions/{other['id']}/{route}"
        api("GET", there, 307, params={"path": uri})
        assert api("GET", there, params={"path": uri}, follow_redirects=True) == wanted
    gone = uri.replace(made["id"], MISSING)
    api.refused("GET", path, 404, params={"path": gone})
    api.refused("GET", path, 422)
    preview = f"{path}/preview"
    shown = api("GET", preview, params={"path": uri, "maxRows": 10**6, "encoding": "ISO-8859-1"})
    assert (shown["content"], shown["extension"]) == ("hello", "txt")
    said = api.refused("GET", preview, 422, params={"path": uri, "encoding": "foo"})
    assert "Unable to preview using encoding 'foo'" in said
