"""Sources over HTTP: set up, synced, switched and removed, with the right statuses."""

import threading
from collections.abc import Callable

from mainstem.model.flow_id import FlowId
from tests.gitsync.conftest import Repository, Served, flow
from tests.gitsync.test_webhooks import SECRET, headers, payload

BROKEN = "id: a\nnamespace: demo\ntasks:\n  - {id: x, type: core.log.Lag}\n"


def test_the_life_of_a_source_over_the_api(
    repository: Repository, serve: Callable[..., Served]
) -> None:
    first = repository.commit({"flows/hello.yaml": flow()}, "First")
    server = serve()
    definition = {"name": "team", "url": str(repository.folder), "webhook_secret": "hunter2"}
    assert server.api("POST", "/syncs/_test", json=definition) == {"commit": first}
    server.api("POST", "/syncs", 201, json=definition)
    server.api("POST", "/syncs", 409, json=definition)
    server.api("POST", "/syncs", 422, json={"name": "x", "url": "ext::sh", "push": False})
    server.api("POST", "/syncs/team")
    first = repository.commit({"flows/other.yaml": flow("other")}, "Second")
    dry = server.api("POST", "/syncs/team", params={"dryRun": "true", "diff": "true"})
    assert dry["plan"]["create"] == ["demo.other"]
    assert "+id: other" in dry["diff"][0]["unified"]
    assert not dry["applied"]
    server.api("GET", "/flows/demo/other", 404)
    assert server.api("POST", "/syncs/team")["revisions"] == {"demo.other": 1}
    live = server.api("GET", "/flows/demo/hello")
    assert live["id"] == "hello"
    refused = server.api(
        "PUT", "/flows/demo/hello", 409, content=flow(message="edited"),
        headers={"content-type": "application/x-yaml"},
    )  # fmt: skip
    assert "managed by Git source `team`" in refused["message"]
    repository.commit({"flows/a.yaml": BROKEN}, "Break it")
    result = server.api("POST", "/syncs/team")
    assert result["problems"][0]["text"].startswith("flows/a.yaml:4:19: ")
    shown = server.api("GET", "/syncs/team")
    conditions = {item["kind"]: item["status"] for item in shown["conditions"]}
    assert (conditions["Ready"], conditions["Invalid"]) == (False, True)
    assert "hunter2" not in str(shown)
    assert shown["definition"]["secrets"] == ["webhook_secret"]
    assert shown["good_commit"] == first
    edit = {"namespace": "demo", "flowId": "hello", "source": flow(message="better")}
    made = server.api("POST", "/syncs/team/propose", 201, json=edit)
    assert "better" in repository.git("show", f"{made['branch']}:flows/hello.yaml")
    server.api("POST", "/syncs/team/suspend")
    assert server.api("GET", "/syncs")[0]["suspended"]
    server.api("POST", "/syncs/team/resume")
    server.api("POST", "/syncs/team/pin", json={"commit": first})
    assert server.api("GET", "/syncs/team")["pinned"] == first
    server.api("POST", "/syncs/team/pin", 422, json={"commit": "--upload-pack=x"})
    assert [run["state"] for run in server.api("GET", "/syncs/team/history")][:2] == [
        "READY", "INVALID",
    ]  # fmt: skip
    server.api("DELETE", "/syncs/team", 204)
    server.api("GET", "/syncs/team", 404)
    assert server.api("GET", "/flows/demo/hello")["id"] == "hello"


def test_a_webhook_is_answered_before_the_sync(
    repository: Repository, serve: Callable[..., Served]
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    server = serve(
        {"name": "team", "url": str(repository.folder), "webhook_secret": "hunter2"},
        **{"auth.mode": "users"},
    )
    given = {"x-gitlab-event": "Push Hook", "x-gitlab-token": "hunter2"}
    address = "/git/webhooks/team"
    assert server.api("POST", address, 202, json={"ref": "refs/heads/main"}, headers=given) == {
        "source": "team", "accepted": True,
    }  # fmt: skip
    wrong = {**given, "x-gitlab-token": "other"}
    server.api("POST", address, 403, json={"ref": "refs/heads/main"}, headers=wrong)
    server.api("POST", address, 403, json={"ref": "refs/heads/main"})


def test_a_signed_webhook_brings_the_push_live_on_a_server_with_users(
    repository: Repository, serve: Callable[..., Served]
) -> None:
    repository.commit({"flows/hello.yaml": flow()})
    server = serve(
        {
            "name": "team",
            "url": str(repository.folder),
            "webhook_secret": SECRET,
            "interval_seconds": 86_400,
        },
        **{"auth.mode": "users"},
    )
    synced = threading.Event()
    server.app.bus.subscribe(["flows"], lambda _topic: synced.set())
    server.app.syncs.sync("team")
    synced.clear()
    repository.commit({"flows/pushed.yaml": flow("pushed")}, "Push")
    body = payload("github", "main")
    server.api("POST", "/git/webhooks/team", 202, content=body, headers=headers("github", body))
    assert synced.wait(20), "no sync after the webhook"
    assert server.app.flows.head(FlowId("demo", "pushed")).revision == 1
    server.api("GET", "/flows/demo/pushed", 401)
