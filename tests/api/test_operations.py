"""Acts on many executions that go on behind the scenes."""

import threading

import pytest

from mainstem.services.operations import Action
from tests.api.conftest import Api, Flow
from tests.api.flows import FAILS, HELLO


def begun(api: Api, ns: str, query: str = "", action: str = "restart") -> dict[str, object]:
    path = f"/executions/{action}/by-query?namespace={ns}&background=true{query}"
    found = api("POST", path, 202)
    assert isinstance(found, dict)
    return found


def ended(api: Api, operation_id: object) -> dict[str, object]:
    for _ in range(400):
        found = api("GET", f"/operations/{operation_id}")
        if found["state"] != "RUNNING":
            return dict(found)
        threading.Event().wait(0.05)
    raise AssertionError("it did not end in time")


def test_an_operation_tells_how_far_it_is_and_what_refused(api: Api, ns: str, flow: Flow) -> None:
    flow(FAILS)
    flow(HELLO, "ok")
    failed = [api("POST", f"/executions/{ns}/f?wait=true")["id"] for _ in range(3)]
    good = api("POST", f"/executions/{ns}/ok?wait=true")["id"]
    made = begun(api, ns)
    assert (made["total"], made["action"]) == (4, "restart")
    found = ended(api, made["id"])
    assert (found["state"], found["done"], found["failed"]) == ("DONE", 4, 1)
    assert [item["id"] for item in found["refused"]] == [good]  # type: ignore[attr-defined]
    for execution_id in failed:
        api.wait(execution_id, lambda e: e.state == "FAILED" and len(e.history.moments) > 3)
    assert made["id"] in [item["id"] for item in api("GET", "/operations")]


def test_nothing_to_do_is_done_at_once(api: Api, ns: str) -> None:
    found = begun(api, ns)
    assert (found["state"], found["total"]) == ("DONE", 0)
    assert "ended" in api.refused("POST", f"/operations/{found['id']}/cancel", 409)
    api.refused("GET", "/operations/nobody", 404)


def test_a_cancelled_operation_leaves_the_rest(
    api: Api, ns: str, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow(FAILS)
    ids = [api("POST", f"/executions/{ns}/f?wait=true")["id"] for _ in range(2)]
    # Nobody carries it on: as after a crash between two parts.
    monkeypatch.setattr(api.app.operations, "step", lambda _now: False)
    made = api.app.operations.begin(Action.DELETE, ids, {})
    assert api("POST", f"/operations/{made.id}/cancel")["state"] == "CANCELLED"
    monkeypatch.undo()
    assert api.app.operations.step(api.app.clock.now()) is False
    assert api("GET", f"/executions/{ids[0]}")["id"] == ids[0]


def test_an_interrupted_operation_goes_on_where_it_was(
    api: Api, ns: str, flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow(FAILS)
    ids = [api("POST", f"/executions/{ns}/f?wait=true")["id"] for _ in range(3)]
    step = api.app.operations.step
    monkeypatch.setattr(api.app.operations, "step", lambda _now: False)
    monkeypatch.setattr("mainstem.services.operations._PART", 2)
    argument = {"labels": {"a": "b"}}
    made = api.app.operations.begin(Action.LABELS, ids, argument)
    assert step(api.app.clock.now()) is True
    assert api("GET", f"/operations/{made.id}")["done"] == 2
    assert step(api.app.clock.now()) is True
    assert api("GET", f"/operations/{made.id}")["state"] == "DONE"
    assert api("GET", f"/executions/search?namespace={ns}&labels=a:b")["total"] == 3
