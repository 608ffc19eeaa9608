"""The API and the commands of namespaces, keys, files and secrets."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mainstem.cli.main import main
from tests.api.conftest import Api, api, flow, ns  # noqa: F401

# ruff: noqa: F811 - fixtures

Told = Callable[..., tuple[int, str, str]]
KEY = {
    "type": "service_account",
    "project_id": "my-project",
    "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----\n",
    "client_email": "x@my-project.iam.gserviceaccount.com",
}


@pytest.fixture
def told(api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setenv("MAINSTEM_TOKEN", api.app.sign_in.local_token)

    def call(*words: str) -> tuple[int, str, str]:
        split = 1 if words[0] == "kv" else 2
        code = main([*words[:split], "--server", api.url, *words[split:]])
        found = capsys.readouterr()
        return code, found.out, found.err

    return call


# namespaces


def test_a_namespace_is_created_read_replaced_and_deleted(api: Api, ns: str) -> None:
    body = {"id": ns, "description": "why", "variables": {"x": 1}, "deleted": False}
    made = api("POST", "/namespaces", json=body)
    assert (made["id"], made["variables"], made["revision"]) == (ns, {"x": 1}, 1)
    assert "exists already" in api.refused("POST", "/namespaces", 409, json=body)
    api("PUT", f"/namespaces/{ns}", json={"variables": {"x": 2}})
    assert api("GET", f"/namespaces/{ns}", base="/api/v1/main")["variables"] == {"x": 2}
    assert api("GET", f"/namespaces/{ns}.below/inherited-variables") == {"x": 2}
    origins = api("GET", f"/namespaces/{ns}.below/inherited-variables/origins")
    assert origins == {"x": {"namespace": ns, "value": 2}}
    found = api("GET", "/namespaces/search", params={"q": ns, "existing": True})
    assert [(item["id"], item["disabled"]) for item in found["results"]] == [(ns, False)]
    api("DELETE", f"/namespaces/{ns}", 204)
    api.refused("GET", f"/namespaces/{ns}", 404)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"id": "other"}, "the address of"),
        ({"storageType": "s3"}, "storageType"),
        ({"variables": [1]}, "variables"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_body_that_cannot_be_kept_is_refused(
    api: Api, ns: str, body: dict[str, Any], said: str
) -> None:
    assert said in api.refused("PUT", f"/namespaces/{ns}", 422, json=body)


def test_a_namespace_that_only_holds_a_flow_is_there_without_properties(
    api: Api, ns: str, flow: Callable[..., str]
) -> None:
    flow("  - {id: a, type: core.log.Log, message: x}")
    assert api("GET", f"/namespaces/{ns}") == {"id": ns, "deleted": False}
    found = api("GET", "/namespaces/search", params={"q": ns})["results"]
    assert found == [{"id": ns, "deleted": False, "disabled": True}]
    assert api("POST", "/namespaces/autocomplete", json={"q": ns}) == [ns]


def test_defaults_in_force_are_told_with_their_namespace(api: Api, ns: str) -> None:
    default = {"type": "io.kestra.plugin.core.log.Log", "values": {"level": "WARN"}}
    api("PUT", f"/namespaces/{ns}", json={"pluginDefaults": [default]})
    assert api("GET", f"/namespaces/{ns}.x/inherited-plugindefaults") == [
        {"namespace": ns, "pluginDefault": {**default, "forced": False}}
    ]


# secrets


def test_a_secret_goes_in_and_never_comes_out(api: Api, ns: str) -> None:
    body = {
        "key": "TOKEN",
        "value": "s3cr3t-v4lue",
        "description": "why",
        "tags": [{"key": "team", "value": "x"}],
    }
    answers = [
        api("PUT", f"/namespaces/{ns}/secrets", json=body),
        api("PATCH", f"/namespaces/{ns}/secrets/TOKEN", json={"description": "other"}),
        api("GET", f"/namespaces/{ns}/secrets"),
        api("GET", f"/namespaces/{ns}.below/secrets"),
        api("GET", f"/namespaces/{ns}.below/inherited-secrets"),
    ]
    assert "s3cr3t" not in json.dumps(answers)
    assert answers[2]["results"][0]["description"] == "other"
    assert (answers[2]["total"], answers[2]["readOnly"], answers[3]["total"]) == (1, False, 0)
    assert answers[4] == {ns: ["TOKEN"], "": ["API_KEY"]}
    api("DELETE", f"/namespaces/{ns}/secrets/TOKEN", 204)
    api.refused("DELETE", f"/namespaces/{ns}/secrets/TOKEN", 404)
    for method in ("GET", "POST"):
        assert api.client.request(method, f"/api/v1/namespaces/{ns}/secrets/API_KEY").is_error


def test_a_refused_secret_is_not_repeated_in_the_answer(api: Api, ns: str) -> None:
    body = {"key": "a b", "value": "s3cr3t-v4lue"}
    assert "s3cr3t" not in api.refused("PUT", f"/namespaces/{ns}/secrets", 422, json=body)
    for broken in ({"value": "s3cr3t-v4lue"}, {"key": "", "value": "s3cr3t-v4lue"}):
        answer = api.client.put(f"/api/v1/namespaces/{ns}/secrets", json=broken)
        assert answer.status_code == 422
        assert "s3cr3t" not in answer.text


def test_secrets_are_set_listed_and_deleted_by_the_command(
    told: Told, ns: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("from a file")
    assert told("secret", "set", ns, "FILE", "--file", str(tmp_path / "key"))[0] == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("from input\n"))
    assert told("secret", "set", ns, "INPUT", "--description", "why", "--tag", "a=b")[0] == 0
    listed = told("secret", "list", f"{ns}.below")[1].splitlines()
    assert listed == ["API_KEY\tany namespace", f"FILE\t{ns}", f"INPUT\t{ns}"]
    assert told("secret", "delete", ns, "FILE") == (0, "", "")
    code, _, errors = told("secret", "delete", ns, "FILE")
    assert (code, "has no secret" in errors) == (1, True)


def test_the_key_is_rotated_beside_a_running_server(
    api: Api, told: Told, ns: str, flow: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    api("PUT", f"/namespaces/{ns}/secrets", json={"key": "K", "value": "sealed-before"})
    state = str(api.app.settings.state_dir)
    assert main(["secret", "rotate-key", "--state", state, "--forget-old"]) == 0
    said = capsys.readouterr().out
    assert "are sealed by key" in said
    assert "1 older keys are dropped" in said
    assert api.app.secret_chain.get(ns, "K") == "sealed-before"
    api("PUT", f"/namespaces/{ns}/secrets", json={"key": "K2", "value": "sealed-after"})
    assert api.app.secret_chain.get(ns, "K2") == "sealed-after"


def test_a_secret_input_given_before_a_rotation_still_opens(
    api: Api, ns: str, flow: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    flow(
        "  - {id: stop, type: core.flow.Pause}\n"
        '  - {id: said, type: core.debug.Return, format: "{{ inputs.s | length }}"}',
        more="inputs: [{id: s, type: SECRET}]",
    )
    made = api("POST", f"/executions/{ns}/f", files={"s": (None, "hunter2-hunter2")})
    api.wait(made["id"], lambda e: e.state.value == "PAUSED")
    assert main(["secret", "rotate-key", "--state", str(api.app.settings.state_dir)]) == 0
    api("POST", f"/executions/{made['id']}/resume", 204)
    ended = api.wait(made["id"])
    assert api.outputs(ended)["said"] == {"value": "15"}


# keys


def test_keys_are_deleted_together_and_inherited_ones_are_listed(api: Api, ns: str) -> None:
    for key in ("a", "b", "c"):
        api("PUT", f"/namespaces/{ns}/kv/{key}", content='"x"', headers={"description": "why"})
    found = api("GET", f"/namespaces/{ns}.below/kv/inheritance")
    assert [(item["namespace"], [k["key"] for k in item["keys"]]) for item in found] == [
        (f"{ns}.below", []),
        (ns, ["a", "b", "c"]),
    ]
    body = {"keys": ["a", "c", "nobody"]}
    done = api("DELETE", f"/namespaces/{ns}/kv", json=body)
    assert done == {"keys": ["a", "c"]}
    assert [item["key"] for item in api("GET", f"/namespaces/{ns}/kv")] == ["b"]


def test_a_pasted_key_moves_to_a_secret_and_who_reads_it_is_named(
    api: Api, told: Told, ns: str, flow: Callable[..., str]
) -> None:
    api("PUT", f"/namespaces/{ns}/kv/GCP_CREDS", content=json.dumps(KEY))
    api("PUT", f"/namespaces/{ns}/kv/GCP_PROJECT_ID", content='"other-project"')
    found = {item["name"]: item for item in api("GET", f"/namespaces/{ns}/google")}
    assert "make it a secret" in found["GCP_CREDS"]["faults"][0]
    assert found["GCP_PROJECT_ID"]["faults"] == ["the key in GCP_CREDS is of project my-project"]
    flow("  - {id: a, type: core.log.Log, message: \"{{ kv('GCP_CREDS') }}\"}")
    code, said, _ = told("kv", "to-secret", ns, "GCP_CREDS")
    assert (code, said.split(" ")[0]) == (0, f"{ns}.f")
    assert json.loads(api.app.secret_chain.get(ns, "GCP_CREDS")) == KEY
    api.refused("GET", f"/namespaces/{ns}/kv/GCP_CREDS", 404)
    found = {item["name"]: item for item in api("GET", f"/namespaces/{ns}/google")}
    assert (found["GCP_CREDS"]["kind"], found["GCP_CREDS"]["faults"]) == ("secret", [])


def test_changes_of_keys_are_recorded_without_values(api: Api, ns: str) -> None:
    api("PUT", f"/namespaces/{ns}/kv/k", content='"s3cr3t-v4lue"')
    api("PUT", f"/namespaces/{ns}/kv/k", content='"s3cr3t-other"')
    api("DELETE", f"/namespaces/{ns}/kv/k")
    from mainstem.services.audit import AuditFilter

    found = [r for r in api.app.audit.search(AuditFilter()) if r.resource == f"{ns}/k"]
    assert [r.action for r in reversed(found)] == ["kv.create", "kv.update", "kv.delete"]
    assert "s3cr3t" not in repr(found)


# files


def put(api: Api, ns: str, path: str, content: bytes, name: str = "f", status: int = 200) -> None:
    files = {"fileContent": (name, content)}
    api("POST", f"/namespaces/{ns}/files", status, params={"path": path}, files=files)


def test_files_move_and_their_history_is_kept(api: Api, ns: str) -> None:
    put(api, ns, "/sql/a.sql", b"select 1")
    put(api, ns, "/sql/a.sql", b"select 2")
    base = f"/namespaces/{ns}/files"
    history = api("GET", f"{base}/revisions", params={"path": "/sql/a.sql"})
    assert [(item["revision"], item["deleted"]) for item in history] == [(2, False), (1, False)]
    old = api("GET", base, params={"path": "sql/a.sql", "revision": 1})
    assert old == b"select 1"
    api("POST", f"{base}/revisions/1/restore", params={"path": "sql/a.sql"})
    assert api("GET", base, params={"path": "sql/a.sql"}) == b"select 1"
    api("PUT", base, params={"from": "/sql", "to": "/queries"})
    assert api("GET", f"{base}/search", params={"q": "a.sql"}) == ["/queries/a.sql"]
    listed = api("GET", f"{base}/directory", params={"path": "/"})
    assert [(item["fileName"], item["type"]) for item in listed] == [("queries", "Directory")]
    assert api("GET", f"{base}/stats", params={"path": "queries"})["type"] == "Directory"
    api.refused("GET", f"{base}/directory", 404, params={"path": "nothing"})
    api("POST", f"{base}/directory", params={"path": "empty"})
    assert api("GET", f"{base}/stats", params={"path": "empty"})["type"] == "Directory"


def test_files_are_exported_and_an_archive_is_unpacked(api: Api, ns: str) -> None:
    put(api, ns, "a.txt", b"1")
    put(api, ns, "b/c.txt", b"2" * 3_000_000)
    exported = api("GET", f"/namespaces/{ns}/files/export")
    with zipfile.ZipFile(io.BytesIO(exported)) as archive:
        assert {n: len(archive.read(n)) for n in archive.namelist()} == {
            "a.txt": 1,
            "b/c.txt": 3_000_000,
        }
    put(api, f"{ns}x", "/", exported, "all.zip")
    assert api("GET", f"/namespaces/{ns}x/files", params={"path": "a.txt"}) == b"1"


@pytest.mark.parametrize("name", ["../../x", "/../x", "a/../../x"])
def test_an_archive_that_leaves_the_namespace_is_refused_whole(
    api: Api, ns: str, name: str
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("good.txt", "x")
        archive.writestr(name, "x")
    put(api, ns, "/", buffer.getvalue(), "x.zip", 422)
    assert api("GET", f"/namespaces/{ns}/files/search") == []


def test_an_archive_that_unpacks_to_too_much_is_refused(api: Api, ns: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"\0" * 101_000_000)
    put(api, ns, "/", buffer.getvalue(), "x.zip", 422)
    put(api, ns, "/", b"not a zip", "x.zip", 422)


@pytest.mark.parametrize("path", ["../x", "/a/../../x", "..", ""])
def test_a_path_outside_is_refused_by_every_route(api: Api, ns: str, path: str) -> None:
    base = f"/namespaces/{ns}/files"
    put(api, ns, path, b"x", status=422)
    api.refused("GET", base, 422, params={"path": path})
    api.refused("DELETE", base, 422, params={"path": path})
    api.refused("PUT", base, 422, params={"from": "a", "to": path})
    api.refused("GET", f"{base}/revisions", 422, params={"path": path})


# the namespace command


def test_properties_are_applied_from_a_file_and_shown_with_what_is_inherited(
    told: Told, ns: str, tmp_path: Path
) -> None:
    (tmp_path / "n.yaml").write_text(f"id: {ns}\ndescription: why\nvariables: {{x: 1}}\n")
    assert told("namespace", "apply", str(tmp_path / "n.yaml")) == (0, "", "")
    said = told("namespace", "show", ns)[1]
    assert "variables:\n    x:\n      namespace: " + ns in said
    assert f"{ns}\twhy" in told("namespace", "list")[1]
    assert told("namespace", "delete", ns)[0] == 0
    (tmp_path / "n.yaml").write_text("x: 1")
    assert "id" in told("namespace", "apply", str(tmp_path / "n.yaml"))[2]


def test_a_secret_in_an_output_is_starred_wherever_the_output_is_shown(
    api: Api, ns: str, flow: Callable[..., str]
) -> None:
    flow(
        "  - {id: out, type: core.debug.Return, format: \"<{{ secret('API_KEY') }}>\"}\n"
        '  - {id: used, type: core.debug.Return, format: "{{ outputs.out.value | length }}"}',
        more='outputs: [{id: leak, type: STRING, value: "{{ outputs.out.value | base64encode }}"}]',
    )
    made = api("POST", f"/executions/{ns}/f", params={"wait": "true"})
    ended = api.wait(made["id"])
    api.app.secret_reads.flush()
    assert api.outputs(ended)["used"] == {"value": "16"}
    stored = api.outputs(ended)["out"]
    assert stored == {"value": "<hunter2-secret>"}
    out = next(run for run in api.runs(ended) if run.task_id == "out")
    shown = [
        api("GET", f"/executions/{ended.id}"),
        api("GET", "/executions/search", params={"namespace": ns}),
        api("GET", f"/outputs/executions/{ended.id}"),
        api("GET", f"/outputs/tasks/{ended.id}/{out.id}"),
        api("GET", f"/executions/{ended.id}/graph"),
    ]
    text = json.dumps(shown)
    assert "hunter2" not in text
    assert "aHVudGVyMi1zZWNyZX" not in text
    assert shown[3] == {"value": f"<{'*' * 14}>"}
    page = api.client.get(f"/ui/executions/{ns}/f/{ended.id}/outputs")
    assert page.status_code == 200
    assert "hunter2" not in page.text
