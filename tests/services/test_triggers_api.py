"""Triggers and backfills over HTTP, and from the command line against a listening server."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import uvicorn

from mainstem.cli.main import main
from mainstem.model.state import State
from mainstem.server import create_server
from tests.services.trigger_world import PAUSE, World, date_of, schedule

HOUR = timedelta(hours=1)
BASE = "/triggers/company/taxi/s/backfills"
WINDOW = {"start": "2024-05-10T00:00:00Z", "end": "2024-05-10T02:00:00Z"}
NAME = {"namespace": "company", "flowId": "taxi", "triggerId": "s"}


class Served:
    """A world behind a listening server."""

    def __init__(self, world: World) -> None:
        self.world = world
        config = uvicorn.Config(
            create_server(world.app), host="127.0.0.1", port=0, log_level="warning", ws="none"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        world.wait(lambda: self._server.started)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.token = world.app.sign_in.local_token
        owner = {"authorization": f"Bearer {self.token}"}
        self._client = httpx.Client(
            base_url=f"{self.url}/api/v1", trust_env=False, timeout=20, headers=owner
        )

    def __call__(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        answer = self._client.request(method, path, **options)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def close(self) -> None:
        self._client.close()
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture
def api(world: World) -> Iterator[Served]:
    served = Served(world)
    yield served
    served.close()


def test_the_triggers_of_a_flow_and_the_search_have_the_references_shape(api: Served) -> None:
    api.world.save(schedule(stopAfter=["FAILED"]))
    (found,) = api("GET", "/triggers/company/taxi")["results"]
    assert {**NAME, "disabled": False, "stopAfter": ["FAILED"]}.items() <= found.items()
    assert found["nextExecutionDate"] == "2024-05-15T11:00:00Z"
    listed = api("GET", "/triggers/search", params={"q": "tax", "namespace": "company"})
    assert listed["total"] == 1
    assert listed["results"][0]["triggerContext"] == found
    assert api("GET", "/triggers/search", params={"q": "nothing"})["total"] == 0


def test_a_trigger_is_switched_and_its_next_dates_and_evaluations_are_told(api: Served) -> None:
    api.world.save(schedule(timezone="Europe/Paris"))
    dates = api("GET", "/triggers/company/taxi/s/next", params={"number": 2})
    assert dates == ["2024-05-15T13:00:00+02:00", "2024-05-15T14:00:00+02:00"]
    assert api("PUT", "/triggers", json={**NAME, "disabled": True})["disabled"] is True
    api.world.tick(HOUR)
    assert api("GET", "/triggers/company/taxi/s/evaluations") == []
    api("PUT", "/triggers", json={**NAME, "disabled": False})
    api.world.tick(HOUR)
    (found,) = api("GET", "/triggers/company/taxi/s/evaluations")
    assert (found["outcome"], found["slot"]) == ("FIRED", "2024-05-15T12:00:00Z")


def test_unlocking_a_trigger_that_is_not_locked_is_a_conflict(api: Served) -> None:
    api.world.save(schedule(), tasks=[PAUSE])
    path = "/triggers/company/taxi/s/unlock"
    said = api("POST", path, status=409)["message"]
    assert said == "Illegal state: Trigger is not locked"
    api("POST", "/triggers/company/taxi/none/unlock", status=404)
    api.world.tick(HOUR)
    assert "executionId" not in api("POST", path)


def test_a_backfill_in_the_references_shape_runs_the_window_and_is_steered(api: Served) -> None:
    api.world.save(schedule(), tasks=[PAUSE])
    body = {**NAME, "backfill": {**WINDOW, "labels": [{"key": "backfill", "value": "true"}]}}
    found = api("PUT", "/triggers", json=body)
    assert found["nextExecutionDate"] == "2024-05-10T00:00:00Z"
    backfill = found["backfill"]
    assert backfill["previousNextExecutionDate"] == "2024-05-15T11:00:00Z"
    assert backfill["labels"] == [{"key": "backfill", "value": "true"}]
    api("PUT", "/triggers", json=body, status=409)
    assert api("PUT", "/triggers/backfill/pause", json=NAME)["backfill"]["paused"] is True
    api.world.tick()
    assert api.world.executions() == []
    api("PUT", "/triggers/backfill/unpause", json=NAME)
    api.world.tick()
    (execution,) = api.world.settle()
    assert (date_of(execution), execution.labels["backfill"]) == ("2024-05-10T00:00:00Z", "true")
    assert "backfill" not in api("PUT", "/triggers/backfill/delete", json=NAME)
    api("PUT", "/triggers/backfill/pause", json=NAME, status=404)


def test_a_backfill_of_our_own_is_previewed_run_and_followed(api: Served) -> None:
    api.world.save(schedule(), inputs=[{"id": "taxi", "type": "STRING", "defaults": "yellow"}])
    body = {**WINDOW, "maxActive": 3, "inputs": {"taxi": "green"}, "labels": {"why": "test"}}
    plan = api("POST", f"{BASE}/preview", json=body)
    assert (plan["total"], plan["runs"]) == (3, 3)
    assert plan["slots"][0] == {
        "slot": "2024-05-10T00:00:00Z",
        "runs": True,
        "reason": "has no execution",
    }
    made = api("POST", BASE, json=body)
    address = f"{BASE}/{made['id']}"
    api.world.tick_until(lambda: api("GET", address)["state"] == "DONE")
    found = api("GET", address)
    assert (found["fired"], found["succeeded"], found["failed"]) == (3, 3, 0)
    assert len(found["executionIds"]) == 3
    assert {item.inputs["taxi"] for item in api.world.executions()} == {"green"}
    assert [item["id"] for item in api("GET", BASE)] == [made["id"]]
    api("POST", f"{address}/pause", status=409)
    api("GET", f"/triggers/company/taxi/other/backfills/{made['id']}", status=404)


@pytest.mark.parametrize(
    "body", [{}, {"start": "soon"}, {**WINDOW, "policy": "some"}, {**WINDOW, "maxActive": 0}]
)
def test_a_malformed_backfill_is_refused(api: Served, body: dict[str, object]) -> None:
    api.world.save(schedule())
    api("POST", BASE, json=body, status=422)


def hook(**properties: object) -> dict[str, object]:
    kind = "io.kestra.plugin.core.trigger.Webhook"
    return {"id": "w", "type": kind, "key": "k", **properties}


@pytest.mark.parametrize(
    ("method", "options", "body"),
    [
        ("POST", {"json": {"a": 1, "b": True}}, {"a": 1, "b": True}),
        ("PUT", {"json": [{"a": 1}]}, [{"a": 1}]),
        ("POST", {"content": "bla"}, "bla"),
        ("GET", {}, None),
    ],
)
def test_a_webhook_is_called_by_any_of_the_three_methods(
    api: Served, method: str, options: dict[str, Any], body: object
) -> None:
    api.world.save(hook())
    path = "/executions/webhook/company/taxi/k?name=john&age=12&age=13"
    answer = api(method, path, headers={"x-id": "7"}, **options)
    found = api.world.app.executions.get(answer["id"])
    assert found.trigger
    assert found.trigger.variables["body"] == body
    assert found.trigger.variables["parameters"] == {"name": ["john"], "age": ["12", "13"]}
    assert found.trigger.variables["headers"]["x-id"] == ["7"]  # type: ignore[index]


def test_a_webhook_answers_204_for_false_conditions_and_404_for_a_wrong_key(api: Served) -> None:
    condition = {"type": "io.kestra.plugin.core.condition.Expression", "expression": "false"}
    api.world.save(hook(conditions=[condition]))
    api("POST", "/executions/webhook/company/taxi/k", status=204)
    said = api("POST", "/executions/webhook/company/taxi/wrong", status=404)["message"]
    assert said == "Not Found: Flow not found"
    api("POST", "/executions/webhook/nowhere/taxi/k", status=404)
    api("POST", "/main/executions/webhook/company/taxi/k", status=204)


def test_the_command_line_previews_runs_lists_and_cancels(
    api: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAINSTEM_TOKEN", api.token)
    api.world.save(schedule(), inputs=[{"id": "taxi", "type": "STRING", "defaults": "yellow"}])
    call = ["backfill", "--server", api.url, "company.taxi", "s"]
    window = ["--start", WINDOW["start"], "--end", WINDOW["end"]]
    assert main([*call, *window, "--dry-run"]) == 0
    assert "3 slots: 3 would run, 0 would be skipped" in capsys.readouterr().out

    stop = threading.Event()
    driver = threading.Thread(target=lambda: _drive(api.world, stop))
    driver.start()
    try:
        assert main([*call, *window, "-i", "taxi=green", "-l", "why=test", "--wait"]) == 0
    finally:
        stop.set()
        driver.join()
    assert {item.state for item in api.world.executions()} == {State.SUCCESS}
    assert {item.labels["why"] for item in api.world.executions()} == {"test"}

    assert main([*call, *window, "--policy", "all"]) == 0
    assert main([*call, "pause"]) == 0
    assert main([*call, "resume"]) == 0
    assert main([*call, "cancel"]) == 0
    assert main([*call, "pause"]) == 1
    assert main([*call]) == 1
    assert main([*call, "list"]) == 0
    out = capsys.readouterr().out
    assert "CANCELLED" in out
    assert "DONE" in out


def _drive(world: World, stop: threading.Event) -> None:
    while not stop.wait(0.02):
        world.tick()
