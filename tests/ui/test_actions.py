"""What pages can be asked to do: a form ends in a service, or comes back with its faults."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from mainstem.ids import seeded_ids
from mainstem.model.execution import Execution
from mainstem.model.state import State
from mainstem.services.search import ExecutionFilter
from mainstem.store.tables import events
from tests.ui import seed
from tests.ui.html import Document, faults
from tests.ui.site import Site

EXECUTE = "/ui/flows/edit/demo/hello/execute"


def asked(site: Site, execution: Execution) -> list[str]:
    """What the executor finds in its inbox for an execution."""
    query = select(events.c.kind).where(events.c.execution_id == execution.id)
    with site.app.database.read() as tx:
        return list(tx.execute(query).scalars())


def newest(site: Site) -> Execution:
    return site.app.search.page(ExecutionFilter(flows=(seed.HELLO,)), limit=1).executions[0]


def test_executing_starts_the_flow_with_its_typed_inputs(site: Site) -> None:
    data = {
        "in.name": "Ada", "in.taxi": "green", "in.year": "2020", "in.loud": ["false", "true"],
        "in.note": "", "labels": "reason:test, team:data",
    }  # fmt: skip
    response = site.post(EXECUTE, data)
    assert response.status_code == 303
    execution = site.app.executions.get(response.headers["location"].rpartition("/")[2])
    assert execution.inputs["name"] == "Ada"
    assert execution.inputs["year"] == 2020
    assert execution.inputs["loud"] is True
    assert execution.labels["reason"] == "test"


def test_faults_come_back_at_their_fields_with_what_was_typed(site: Site) -> None:
    before = newest(site).id
    response = site.post(EXECUTE, {"in.name": "Ada", "in.taxi": "red", "in.year": "1999"})
    assert response.status_code == 422
    assert faults(response.text) == []
    root = Document(response.text).root
    wrong = [e.attributes["id"] for e in root.all() if e.attributes.get("aria-invalid") == "true"]
    assert "f-year" in wrong
    errors = [e.text for e in root.all("span", class_="error")]
    assert len(errors) == 2
    assert 'value="Ada"' in response.text
    assert 'value="1999"' in response.text
    assert newest(site).id == before


def test_the_form_for_a_script_is_that_of_the_page_and_says_where_to_go(site: Site) -> None:
    script = {"hx-request": "true"}
    dialog = site.browser.get(EXECUTE, headers=script).text
    assert dialog.lstrip().startswith("<header>")
    form = dialog[dialog.index("<form") : dialog.index("</form>")]
    assert form in site.get(EXECUTE)
    token = site.browser.cookies["mainstem_csrf"]
    answer = site.browser.post(EXECUTE, {"in.year": "2020", "csrf": token}, headers=script)
    assert answer.status_code == 204
    assert site.app.executions.get(answer.headers["hx-redirect"].rpartition("/")[2])
    told = {"in.year": "2020", "csrf": token, "act": "stay"}
    stayed = site.browser.post(EXECUTE, dict(told), headers=script)
    said = json.loads(stayed.headers["hx-trigger"])["started"]
    assert site.app.executions.get(said.rpartition(" ")[2]).inputs["year"] == 2020


def test_a_preview_complains_only_about_what_was_typed_and_starts_nothing(site: Site) -> None:
    before = newest(site).id
    typed = {"in.year": "1999", "in.name": ""}
    answer = site.post("/ui/flows/edit/demo/hello/_preview", dict(typed))
    errors = Document(answer.text).root.all("span", class_="error")
    assert len(errors) == 1
    assert "year=1999" in answer.text
    assert "was not started" not in answer.text
    assert newest(site).id == before


def test_a_wrong_label_or_time_is_explained(site: Site) -> None:
    response = site.post(EXECUTE, {"in.name": "x", "labels": "nonsense"})
    assert response.status_code == 422
    assert "must read key:value" in response.text
    assert site.post(EXECUTE, {"in.name": "x", "schedule_at": "soon"}).status_code == 422


def test_an_execution_can_be_planned_in_the_readers_zone(site: Site) -> None:
    data = {"in.name": "later", "schedule_at": "2026-12-01T09:00"}
    response = site.post(EXECUTE, data)
    execution = site.app.executions.get(response.headers["location"].rpartition("/")[2])
    assert execution.schedule_at is not None
    assert execution.schedule_at - seed.NOW > timedelta(days=7)


def test_the_form_of_a_new_run_holds_the_inputs_of_the_old_one(site: Site) -> None:
    run = site.executions["hello"]
    text = site.get(f"{EXECUTE}?source={run.id}")
    assert 'value="world"' in text
    assert "team:data" in text


def test_secrets_never_come_back_in_a_form(site: Site) -> None:
    response = site.post(EXECUTE, {"in.year": "1", "in.password": "hunter2"})
    assert response.status_code == 422
    assert "hunter2" not in response.text


@pytest.mark.parametrize(
    ("name", "action", "kind"),
    [
        ("running", "_kill", "KillRequested"),
        ("failed", "_restart", "RestartRequested"),
        ("hello", "_replay", "ReplayRequested"),
    ],
)
def test_an_action_reaches_the_executor(site: Site, name: str, action: str, kind: str) -> None:
    response = site.post(site.address(name, action), {})
    assert response.status_code == 303
    assert kind in asked(site, site.executions[name])


def test_only_possible_actions_are_offered(site: Site) -> None:
    failed = site.get(site.address("failed", "_actions"))
    running = site.get(site.address("running", "_actions"))
    hello = site.get(site.address("hello", "_actions"))
    assert "Restart" in failed
    assert "Kill" not in failed
    assert "Kill" in running
    assert "Restart" not in running
    assert "Restart" not in hello


def test_an_impossible_action_says_why(site: Site) -> None:
    response = site.post(site.address("hello", "_resume"), {})
    assert response.status_code == 409
    assert "not paused" in response.text


def test_many_are_acted_on_at_once_and_refusals_are_counted(site: Site) -> None:
    ids = [site.executions["failed"].id, site.executions["hello"].id]
    data = {"action": "restart", "id": ids, "back": "/ui/executions?state=FAILED"}
    response = site.post("/ui/executions/_bulk", data)
    assert response.headers["location"] == "/ui/executions?state=FAILED"
    assert "Restart asked for 1 of 2" in site.get("/ui/executions")


@pytest.mark.parametrize("data", [{"action": "burn", "id": "x"}, {"action": "kill"}])
def test_a_wrong_mass_action_is_refused(site: Site, data: dict[str, object]) -> None:
    assert site.post("/ui/executions/_bulk", data).status_code == 422


def test_keys_are_set_changed_and_deleted(site: Site) -> None:
    base = "/ui/namespaces/demo/kv"
    data = {"key": "conf", "kind": "JSON", "value": '{"a": 1}', "ttl": "P1D"}
    assert site.post(base, data).status_code == 303
    assert site.app.kv.get("demo", "conf").entry.value == {"a": 1}
    assert "readonly" in site.get(f"{base}?edit=conf")
    assert site.post(f"{base}/_delete", {"key": "conf"}).status_code == 303
    assert site.app.kv.find("demo", "conf") is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"value": "abc", "kind": "NUMBER"}, "is not a NUMBER"),
        ({"value": "{", "kind": "JSON"}, "not JSON"),
        ({"key": "bad key"}, "bad key"),
        ({"ttl": "tomorrow"}, "ISO-8601"),
    ],
)
def test_a_wrong_key_is_explained(site: Site, change: dict[str, str], said: str) -> None:
    data = {"key": "k", "kind": "STRING", "value": "v", "ttl": "", **change}
    response = site.post("/ui/namespaces/demo/kv", data)
    assert response.status_code == 422
    assert faults(response.text) == []
    assert said in response.text


def test_keys_of_namespaces_above_are_shown_as_inherited(site: Site) -> None:
    assert "GCP_PROJECT_ID" in site.get("/ui/namespaces/zoomcamp.checks/kv")


def test_files_are_uploaded_shown_downloaded_and_deleted(site: Site) -> None:
    base = "/ui/namespaces/demo/files"
    sent = {"file": ("query.sql", b"select 1 -- one\n")}
    response = site.post(base, {"folder": "sql"}, files=sent)
    assert response.headers["location"] == f"{base}?path=sql%2Fquery.sql"
    assert "hl-comment" in site.get(f"{base}?path=sql/query.sql")
    download = site.browser.get(f"{base}/_download?path=sql/query.sql")
    assert download.content == b"select 1 -- one\n"
    assert download.headers["content-disposition"].startswith("attachment")
    assert site.post(f"{base}/_delete", {"path": "sql/query.sql"}).status_code == 303
    assert site.app.files.of_namespace("demo") == []


def test_an_html_file_is_shown_as_text_and_never_run(site: Site) -> None:
    site.app.files.write("demo", "page.html", b"<script>alert(1)</script>")
    text = site.get("/ui/namespaces/demo/files?path=page.html")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_an_upload_cannot_leave_its_namespace(site: Site) -> None:
    sent = {"file": ("x.txt", b"x")}
    response = site.post("/ui/namespaces/demo/files", {"folder": "../../etc"}, files=sent)
    assert response.status_code == 422


def test_the_palette_finds_flows_executions_and_pages(site: Site) -> None:
    run = site.executions["failed"]
    assert "/ui/flows/edit/zoomcamp/taxi_month" in site.get("/ui/palette/_results?q=taxi")
    assert f"/ui/executions/zoomcamp/taxi_month/{run.id}" in site.get(
        f"/ui/palette/_results?q={run.id[:6]}"
    )
    assert "/ui/gitsync" in site.get("/ui/palette/_results?q=git")
    assert "Nothing is called" in site.get("/ui/palette/_results?q=zzzzqqqq")


def test_labels_of_the_system_are_not_listed_among_an_executions_own(site: Site) -> None:
    seeder = seed.Seeder(site.app, seed.NOW)
    seeder.ids = seeded_ids("labels")
    run = seeder.execution(
        seed.HELLO, [], state=State.SUCCESS, ago=5, labels={"system.from": "git", "system.x": "y"}
    )
    assert "<dt>Labels</dt>" in site.get(site.address("failed"))
    assert "<dt>Labels</dt>" not in site.get(f"/ui/executions/demo/hello/{run.id}")


def test_the_failure_summary_leads_to_its_place_in_the_log(site: Site) -> None:
    root = Document(site.get(site.address("failed"))).root
    summary = next(e for e in root.all("div", role="alert"))
    assert "Task bq_green_merge failed in attempt 2" in summary.text
    assert "was not found in location EU" in summary.text
    href = summary.all("a")[0].attributes["href"]
    page, _, line = href.partition("#")
    lines = [e.attributes.get("id") for e in Document(site.get(page)).root.all("div")]
    assert line in lines


def test_the_log_goes_on_after_its_cursor(site: Site) -> None:
    root = Document(site.get(site.address("failed", "logs"))).root
    tail = next(e for e in root.all("div") if e.attributes.get("id") == "log-tail")
    assert site.browser.get(tail.attributes["hx-get"]).status_code == 204
    first = site.get(site.address("failed", "_logs?after=0&level=DEBUG"))
    assert "resolved" in first
    assert 'id="log-tail"' in first


def test_the_log_filters_by_level_task_and_text(site: Site) -> None:
    def lines(query: str) -> list[str]:
        root = Document(site.get(site.address("failed", f"logs?{query}"))).root
        return [e.text for e in root.all("div") if "log " in e.attributes.get("class", "")]

    assert all("ERROR" in text for text in lines("level=ERROR"))
    assert all("extract" in text for text in lines("task=extract"))
    assert len(lines("q=longer+than")) == 1
    assert "No line matches" in site.get(site.address("failed", "logs?q=absent"))
    nothing = site.get(site.address("hello", "logs?level=ERROR"))
    assert "No lines at this level" in nothing


def test_a_log_is_downloaded_without_colours(site: Site) -> None:
    response = site.browser.get(site.address("failed", "_logs.txt?level=TRACE"))
    assert "\x1b" not in response.text
    assert response.headers["content-disposition"].startswith("attachment")
    assert len(response.text.splitlines()) > 10


def test_an_execution_under_a_wrong_flow_leads_to_the_right_one(site: Site) -> None:
    run = site.executions["failed"]
    response = site.browser.get(f"/ui/executions/_/_/{run.id}")
    assert response.headers["location"] == site.address("failed")


def test_files_of_other_executions_are_refused(site: Site) -> None:
    other = "mainstem:///demo/hello/executions/other/tasks/x.csv"
    assert site.browser.get(site.address("failed", f"files?uri={other}")).status_code == 404


def test_a_list_is_paged_by_key(site: Site) -> None:
    seen: list[str] = []
    path = "/ui/executions?size=50"
    while path:
        root = Document(site.get(path)).root
        seen += [e.attributes["id"] for e in root.all("tr") if e.attributes.get("id")]
        older = [e.attributes["href"] for e in root.all("a", rel="next")]
        path = older[0] if older else ""
    assert len(seen) == len(set(seen)) > 160


def test_counts_by_state_are_those_of_the_filter(site: Site) -> None:
    counts = site.app.search.count_by_state(ExecutionFilter(namespace="zoomcamp"))
    text = site.get("/ui/executions?namespace=zoomcamp")
    assert f"Success <span>{counts[State.SUCCESS]}</span>" in text
