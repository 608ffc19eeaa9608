"""Flows, namespaces and the server itself over HTTP."""

import io
import zipfile
from urllib.parse import quote

import pytest

from tests.api.conftest import Api, Flow
from tests.api.flows import HELLO


def source(ns: str, name: str = "f", message: str = "x") -> str:
    task = f"{{id: a, type: core.log.Log, message: {message}}}"
    return f"id: {name}\nnamespace: {ns}\ntasks:\n  - {task}\n"


@pytest.mark.parametrize("base", ["/api/v1", "/api/v1/main"])
def test_a_flow_is_created_updated_read_and_deleted(api: Api, ns: str, base: str) -> None:
    path = f"/flows/{ns}/f"
    made = api("POST", "/flows", base=base, content=source(ns))
    assert (made["id"], made["namespace"], made["revision"]) == ("f", ns, 1)
    assert made["source"] == source(ns)
    assert api("PUT", path, base=base, content=source(ns))["revision"] == 1
    assert api("PUT", path, base=base, content=source(ns, message="y"))["revision"] == 2
    assert api("GET", path, base=base)["tasks"][0]["message"] == "y"
    assert api("GET", f"{path}?revision=1", base=base)["tasks"][0]["message"] == "x"
    assert [item["revision"] for item in api("GET", f"{path}/revisions", base=base)] == [2, 1]
    api("DELETE", path, 204, base=base)
    for method in ("GET", "PUT", "DELETE"):
        api.refused(method, path, 404, base=base, content=source(ns))


def test_a_source_with_problems_is_refused_with_their_places(api: Api, ns: str) -> None:
    bad = source(ns).replace("core.log.Log", "core.log.Lug")
    assert "4:" in api.refused("POST", "/flows", 422, content=bad)
    for content in (b"", b"\xff", b"[", b"a: *x", b"- 1", b"!!python/object:os.system {}"):
        api.refused("POST", "/flows", 422, content=content)


def test_an_update_must_be_of_the_same_flow(api: Api, ns: str, flow: Flow) -> None:
    flow(HELLO)
    path = f"/flows/{ns}/f"
    assert "Illegal id" in api.refused("PUT", path, 422, content=source(ns, "g"))
    assert "Illegal namespace" in api.refused("PUT", path, 422, content=source("other"))
    api.refused("GET", f"{path}?revision=7", 404)
    api.refused("GET", f"{path}?revision={10**20}", 422)


def test_flows_are_searched_by_name_and_by_source(api: Api, ns: str) -> None:
    for name in ("alpha", "beta"):
        api("POST", "/flows", content=source(ns, name, message=f"find-{name}-{ns}"))
    assert api("GET", f"/flows/search?namespace={ns}&q=*ALPHA*")["total"] == 1
    page = api("GET", f"/flows/search?namespace={ns}&size=1&page=2")
    assert (page["total"], [item["id"] for item in page["results"]]) == (2, ["beta"])
    assert api("GET", f"/flows/source?q=find-beta-{ns}")["total"] == 1
    assert ns in api("GET", "/flows/distinct-namespaces")
    assert [item["id"] for item in api("GET", f"/flows/{ns}")] == ["alpha", "beta"]
    assert api("GET", f"/flows/{ns}x") == []
    api.refused("GET", f"/flows/search?page={10**30}", 422)
    api.refused("GET", "/flows/source", 422)


def test_documents_are_validated_without_being_stored(api: Api, ns: str) -> None:
    content = f"{source(ns)}---\n{source(ns, 'g').replace('core.log', 'core.lag')}"
    first, second = api("POST", "/flows/validate", content=content)
    assert (first["flow"], first["constraints"]) == ("f", None)
    assert second["constraints"]
    assert second["problems"][0]["line"] == 4
    api.refused("GET", f"/flows/{ns}/f", 404)


def zipped(**files: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def send(api: Api, name: str, content: bytes, status: int = 200, query: str = "") -> object:
    return api("POST", f"/flows/import{query}", status, files={"fileUpload": (name, content)})


def test_an_import_answers_with_what_could_not_be_saved(api: Api, ns: str) -> None:
    good = zipped(**{"a.yaml": source(ns, "a"), "b.yml": source(ns, "b"), "readme.md": "x"})
    assert send(api, "flows.zip", good) == []
    bad = zipped(**{"e.yaml": source(ns, "e"), "sub/g.yaml": "id: g"})
    assert send(api, "flows.zip", bad) == ["sub/g.yaml"]
    documents = f"{source(ns, 'c')}---\nid: broken\n---\n{source(ns, 'd')}"
    assert send(api, "flow.yaml", documents.encode()) == ["1"]
    assert [item["id"] for item in api("GET", f"/flows/{ns}")] == ["a", "b", "c", "d", "e"]


def test_an_import_that_fails_on_error_is_whole_or_not_at_all(api: Api, ns: str) -> None:
    query = "?failOnError=true"
    bad = zipped(**{"e.yaml": source(ns, "e"), "g.yaml": "id: g"})
    send(api, "flows.zip", bad, 422, query)
    api.refused("GET", f"/flows/{ns}/e", 404)
    twice = zipped(**{"a.yaml": source(ns, "x"), "b.yaml": source(ns, "x")})
    send(api, "flows.zip", twice, 422, query)
    assert send(api, "flows.zip", zipped(**{"e.yaml": source(ns, "e")}), query=query) == []


def test_an_upload_that_is_no_archive_is_refused(api: Api) -> None:
    send(api, "flows.zip", b"no zip", 422)
    send(api, "flows.exe", b"x", 422)
    api.refused("POST", "/flows/import", 422)


def test_flows_are_deleted_together_or_not_at_all(api: Api, ns: str, flow: Flow) -> None:
    flow(HELLO, "a")
    flow(HELLO, "b")
    names = [{"namespace": ns, "id": "a"}, {"namespace": ns, "id": "b"}]
    gone = {"namespace": ns, "id": "c"}
    api.refused("DELETE", "/flows/delete/by-ids", 404, json=[*names, gone])
    assert len(api("GET", f"/flows/{ns}")) == 2
    assert api("DELETE", "/flows/delete/by-ids", json=names) == {"count": 2}
    assert api("GET", f"/flows/{ns}") == []
    for bad in ([{"id": "a"}], {}, ["a"], [{"namespace": 1, "id": []}]):
        api.refused("DELETE", "/flows/delete/by-ids", 422, json=bad)


@pytest.mark.parametrize(
    ("body", "kind", "value"),
    [
        ('"text"', "STRING", "text"), ("1.5", "NUMBER", 1.5), ("true", "BOOLEAN", True),
        ("2026-01-01", "DATE", "2026-01-01"), ("PT5M", "DURATION", "PT5M"),
        ('{"a": [1]}', "JSON", {"a": [1]}), ("[1]", "JSON", [1]),
    ],
)  # fmt: skip
def test_the_body_of_a_value_decides_its_type(
    api: Api, ns: str, body: str, kind: str, value: object
) -> None:
    path = f"/namespaces/{ns}/kv/k"
    api("PUT", path, content=body)
    api("PUT", path, content=body, headers={"description": "why"})
    found = api("GET", path)
    assert (found["type"], found["value"], found["revision"]) == (kind, value, 2)
    assert [item["key"] for item in api("GET", f"/namespaces/{ns}/kv")] == ["k"]
    assert api("GET", f"/namespaces/{ns}.below/kv/k")["namespace"] == ns
    assert api("DELETE", path) is True
    assert api("DELETE", path) is False
    api.refused("GET", path, 404)


def test_an_expired_value_is_gone_and_not_listed(api: Api, ns: str) -> None:
    path = f"/namespaces/{ns}/kv/k"
    api("PUT", path, content="1", headers={"ttl": "PT1H"})
    assert api("GET", path)["value"] == 1
    api("PUT", path, content="1", headers={"ttl": "PT0S"})
    api.refused("GET", path, 410)
    assert api("GET", f"/namespaces/{ns}/kv") == []


@pytest.mark.parametrize(
    ("key", "body", "headers"),
    [
        ("k", "no json, no date", {}), ("k", "", {}), ("k", b"\xff", {}), ("k", "[" * 99999, {}),
        ("k", '"half \\ud83d"', {}), ("k", "1", {"ttl": "soon"}),
        ("k", "1", {"ttl": "P999999999D"}), ("k", "1", {"ttl": "P99999999999D"}),
        ("-k", "1", {}), ("k k", "1", {}), ("k", b"1" * 1_000_001, {}), ("k", "NaN", {}),
        ("k", "1e999", {}), ("k", '{"a": 1e999}', {}),
    ],
)  # fmt: skip
def test_a_bad_value_or_key_never_breaks_the_server(
    api: Api, ns: str, key: str, body: bytes | str, headers: dict[str, str]
) -> None:
    path = f"/api/v1/namespaces/{ns}/kv/{quote(key)}"
    answer = api.client.put(path, content=body, headers=headers)
    assert answer.status_code in (200, 422), answer.text
    if answer.status_code == 200:
        assert api.client.get(path).status_code == 200


def test_several_keys_are_deleted_at_once(api: Api, ns: str) -> None:
    api("PUT", f"/namespaces/{ns}/kv/a", content="1")
    done = api("DELETE", f"/namespaces/{ns}/kv", json={"keys": ["a", "b"]})
    assert done == {"keys": ["a"]}


def test_namespace_files_are_written_listed_read_and_deleted(api: Api, ns: str) -> None:
    base = f"/namespaces/{ns}/files"
    for name in ("sql/a.sql", "sql/deep/b.sql", "c.txt"):
        api("POST", f"{base}?path=/{name}", files={"fileContent": (name, b"content")})
    assert api("GET", f"{base}?path=sql/a.sql") == b"content"
    assert api("GET", f"{base}/stats?path=/sql/a.sql")["size"] == 7
    assert api("GET", f"{base}/search?q=SQL") == ["/sql/a.sql", "/sql/deep/b.sql"]
    listed = {item["fileName"]: item["type"] for item in api("GET", f"{base}/directory?path=sql")}
    assert listed == {"a.sql": "File", "deep": "Directory"}
    api("DELETE", f"{base}?path=sql", 204)
    assert api("GET", f"{base}/search") == ["/c.txt"]
    api.refused("GET", f"{base}?path=sql/a.sql", 404)
    for bad in ("../x", "a/../../x", "", "/", "a%00b", "n" * 1001):
        api.refused("GET", f"{base}?path={bad}", 422)
        api.refused("POST", f"{base}?path={bad}", 422, files={"fileContent": ("x", b"")})
    api.refused("POST", f"{base}?path=x", 422)


def test_the_server_tells_about_itself(api: Api) -> None:
    health = api("GET", "/health", base="")
    assert health["status"] == "UP"
    assert "executor" in health["components"]
    assert api("GET", "/version")["version"] == api("GET", "/configs")["version"]
    core = next(group for group in api("GET", "/plugins") if group["name"] == "core")
    assert "io.kestra.plugin.core.log.Log" in [item["cls"] for item in core["tasks"]]
    assert api("GET", "/syncs") == []
    api.refused("POST", "/syncs/nobody", 404)
    assert api.client.get("/").headers["location"] == "ui/"
    assert api.client.get("/ui/").status_code == 200


def test_unknown_addresses_and_methods_have_the_shape_of_errors(api: Api) -> None:
    api.refused("GET", "/nowhere", 404)
    api.refused("PATCH", "/flows", 405)
    assert "GET" in api.client.patch("/api/v1/version").headers["allow"]
