"""The pages of namespaces, keys, files and secrets, as a browser without JavaScript uses them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainstem.model.principal import Grant, Principal, PrincipalKind, Role
from mainstem.services import access
from tests.ui import seed
from tests.ui.site import Site, make_site

VIEWER = Principal("v", "vera", PrincipalKind.USER, (Grant(Role.VIEWER),))
KEY = json.dumps(
    {
        "type": "service_account",
        "project_id": "my-project",
        "private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END PRIVATE KEY-----\n",
        "client_email": "x@my-project.iam.gserviceaccount.com",
    }
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    app = seed.make_app(tmp_path)
    made = make_site(app)
    yield made
    made.browser.close()
    app.stop()


def test_properties_are_edited_and_shown_with_where_they_come_from(site: Site) -> None:
    page = site.get("/ui/namespaces/a/edit")
    assert "id: a\n" in page
    source = "id: a\ndescription: the team\nvariables:\n  bucket: b1\n"
    done = site.post("/ui/namespaces/a/edit", {"source": source, "revision": "0"})
    assert done.headers["location"] == "/ui/namespaces/a"
    below = site.get("/ui/namespaces/a.b")
    assert "namespace.bucket" in below
    assert '<a href="/ui/namespaces/a">a</a>' in below
    late = site.post("/ui/namespaces/a/edit", {"source": source, "revision": "0"})
    assert (late.status_code, "changed meanwhile" in late.text) == (409, True)
    wrong = site.post("/ui/namespaces/a/edit", {"source": "id: a\nx: 1\n", "revision": "1"})
    assert (wrong.status_code, "line 2" in wrong.text) == (422, True)
    assert "x: 1" in wrong.text
    site.post("/ui/namespaces/a/_delete", {})
    assert site.app.namespaces.find("a") is None


def test_a_pasted_key_is_not_shown_and_becomes_a_secret_by_one_click(site: Site) -> None:
    site.post("/ui/namespaces/g/kv", {"key": "GCP_CREDS", "kind": "STRING", "value": KEY})
    page = site.get("/ui/namespaces/g/kv")
    assert "is a service-account key" in page
    assert "MIIEvQIBADANBg" not in page
    assert "x@my-project.iam.gserviceaccount.com" in page
    assert "make it a secret" in site.get("/ui/namespaces/g")
    done = site.post("/ui/namespaces/g/kv/_to_secret", {"key": "GCP_CREDS"})
    assert done.headers["location"] == "/ui/namespaces/g/secrets"
    assert site.app.secret_chain.get("g", "GCP_CREDS") == KEY
    assert site.app.kv.entries("g") == []
    assert "MIIEvQIBADANBg" not in site.get("/ui/namespaces/g/secrets")


def test_a_secret_is_put_replaced_and_deleted_but_never_shown(site: Site) -> None:
    for value in ("s3cr3t-one", "s3cr3t-two"):
        form = {"key": "TOKEN", "value": value, "description": "why"}
        assert site.post("/ui/namespaces/s/secrets", form).status_code == 303
    page = site.get("/ui/namespaces/s/secrets?edit=TOKEN")
    assert "Replace TOKEN" in page
    assert "s3cr3t" not in page + site.get("/ui/namespaces/s.below/secrets")
    refused = site.post("/ui/namespaces/s/secrets", {"key": "a b", "value": "s3cr3t-bad"})
    assert refused.status_code == 422
    assert "s3cr3t-bad" not in refused.text
    site.post("/ui/namespaces/s/secrets/_delete", {"key": "TOKEN"})
    assert site.app.secrets.own("s")[0] == []


def test_a_viewer_sees_names_but_no_values_and_no_forms(site: Site) -> None:
    site.post("/ui/namespaces/v/kv", {"key": "k", "kind": "STRING", "value": "hidden-value"})
    site.app.namespaces.save(site.app.namespaces.parse("id: v\n").properties)  # type: ignore[arg-type]
    with access.acting_as(VIEWER):
        page = site.get("/ui/namespaces/v/kv")
        edited = site.get("/ui/namespaces/v/kv?edit=k")
        secrets = site.get("/ui/namespaces/v/secrets")
        files = site.get("/ui/namespaces/v/files?mode=new")
    assert "hidden from your role" in page
    assert "hidden-value" not in page + edited
    assert all("<textarea" not in text for text in (page, secrets, files))


def test_an_edit_keeps_the_expiry_unless_told_and_clears_a_description(site: Site) -> None:
    base = "/ui/namespaces/t/kv"
    form = {"key": "k", "kind": "STRING", "value": "1", "description": "why", "ttl": "P1D"}
    site.post(base, form)
    (first,) = site.app.kv.entries("t")
    site.post(base, {"key": "k", "kind": "STRING", "value": "2"})
    (second,) = site.app.kv.entries("t")
    assert (second.value, second.expires_at, second.description) == ("2", first.expires_at, None)
    site.post(base, {"key": "k", "kind": "STRING", "value": "3", "for_ever": "1"})
    assert site.app.kv.entries("t")[0].expires_at is None


def test_a_file_is_written_compared_restored_and_moved(site: Site) -> None:
    base = "/ui/namespaces/f/files"
    new = {"path": "sql/a.sql", "text": "select 1\r\n", "message": "first"}
    site.post(f"{base}/_save", new)
    assert site.app.files.read("f", "sql/a.sql") == b"select 1\n"
    again = site.post(f"{base}/_save", new)
    assert (again.status_code, "exists already" in again.text) == (409, True)
    seen = site.app.files.stat("f", "sql/a.sql").sha256
    assert f'value="{seen}"' in site.get(f"{base}?mode=edit&path=sql/a.sql")
    site.post(f"{base}/_save", {"path": "sql/a.sql", "text": "select 2\n", "seen": seen})
    late = site.post(f"{base}/_save", {"path": "sql/a.sql", "text": "mine\n", "seen": seen})
    assert (late.status_code, "changed meanwhile" in late.text, "mine" in late.text) == (
        409,
        True,
        True,
    )
    history = site.get(f"{base}?mode=history&path=sql/a.sql")
    assert "Revision 1 to 2" in history
    assert "select 1" in history
    assert "select 2" in history
    site.post(f"{base}/_restore", {"path": "sql/a.sql", "revision": "1"})
    assert site.app.files.read("f", "sql/a.sql") == b"select 1\n"
    moved = site.post(f"{base}/_move", {"path": "sql/a.sql", "to": "b.sql"})
    assert moved.headers["location"].endswith("path=b.sql")
    refused = site.post(f"{base}/_move", {"path": "b.sql", "to": "../x"})
    assert "path=b.sql" in refused.headers["location"]
    assert [f.path for f in site.app.files.of_namespace("f")] == ["b.sql"]
    assert site.browser.get(f"{base}/_export").content[:2] == b"PK"


def test_the_tree_filters_and_a_new_name_leads_to_its_description(site: Site) -> None:
    site.post("/ui/namespaces/tree.one/kv", {"key": "k", "kind": "STRING", "value": "1"})
    page = site.get("/ui/namespaces?q=one")
    assert "tree.one" in page or ">one<" in page
    assert "No namespace has" in site.get("/ui/namespaces?q=nothing")
    opened = site.browser.get("/ui/namespaces/_open?q=fresh.name")
    assert opened.headers["location"] == "/ui/namespaces/fresh.name/edit"
    site.get("/ui/namespaces/_open?q=Not%20One", 422)
