"""Pages about plug-ins, dependencies, metrics, operations; resuming; evaluating."""

import json

import pytest

from mainstem.flowspec.parse import check_properties
from mainstem.model.flow_id import FlowId
from mainstem.model.metric import Metric, MetricKind
from mainstem.sdk.registry import Registry
from mainstem.sdk.task import Task
from mainstem.sdk.trigger import Trigger
from mainstem.services.operations import Action
from mainstem.services.plugin_catalog import example
from mainstem.store import logs as log_rows
from mainstem.store.logs import StoredMetric
from tests.ui.html import Document
from tests.ui.site import Site


def test_the_system_page_tells_of_workers_and_the_queue_and_gives_it_as_a_file(site: Site) -> None:
    page = Document(site.get("/ui/system")).root.text
    assert "taxi-1" in page
    assert "3 / 16" in page
    assert "Events for the executor" in page
    answer = site.browser.get("/ui/system/_diagnostics")
    assert "mainstem-diagnostics-" in answer.headers["content-disposition"]
    found = json.loads(answer.text)
    assert found["workers"][0]["host"] == "taxi-1"
    assert found["figures"]["flows"] >= 5
    assert found["facts"]["Database"] == "SQLite"


def test_a_server_that_works_alone_cannot_drain_its_worker(site: Site) -> None:
    assert "_drain" not in site.get("/ui/system")
    answer = site.post("/ui/system/_drain", {"worker": "w1", "draining": "true"})
    assert answer.status_code == 303
    assert "works alone" in site.get("/ui/system")


def test_the_list_of_plugins_has_every_type_and_what_uses_it(site: Site) -> None:
    text = site.get("/ui/plugins")
    for name in site.app.registry.types():
        assert f'href="/ui/plugins/{name.removeprefix("io.kestra.plugin.")}"' in text
    found = Document(site.get("/ui/plugins?q=bigquery load")).root
    assert "gcp.bigquery.Load" in found.text
    assert "core.log.Log" not in found.text
    assert "No type matches" in site.get("/ui/plugins?q=nothing-like-it")


def test_a_type_is_shown_with_an_example_and_its_properties(site: Site) -> None:
    page = Document(site.get("/ui/plugins/core.log.Log")).root
    assert "io.kestra.plugin.core.log.Log" in page.text
    assert "message" in page.text
    assert any("flow" in heading.text for heading in page.all("h2"))
    assert site.get("/ui/plugins/io.kestra.plugin.core.log.Log")
    site.get("/ui/plugins/core.log.Lug", 404)


@pytest.mark.parametrize("name", sorted(Registry.installed().types()))
def test_the_example_of_every_type_is_valid(site: Site, name: str) -> None:
    doc = site.app.plugins.doc(name)
    kind = {"task": Task, "trigger": Trigger}.get(doc.kind)
    if kind is None:
        pytest.skip("conditions and runners are parts of others")
    source = example(doc).replace("\n  ", "\n").removeprefix("- ")
    checked = check_properties(kind, source, site.app.registry)
    errors = [str(p) for p in checked.problems if p.is_error]
    assert not errors, f"{source}\n{errors}"


def flows(site: Site) -> None:
    child = "id: child\nnamespace: deps\ntasks: [{id: a, type: core.log.Log, message: x}]\n"
    parent = (
        "id: parent\nnamespace: deps\ntasks:\n"
        "  - {id: s, type: core.flow.Subflow, namespace: deps, flowId: child}\n"
        "  - {id: m, type: core.flow.Subflow, namespace: deps, flowId: gone}\n"
    )
    site.app.flows.save_all([child, parent])


def test_dependencies_are_drawn_and_listed_with_what_is_missing(site: Site) -> None:
    flows(site)
    page = Document(site.get("/ui/flows/edit/deps/parent/dependencies")).root
    assert page.all("svg")
    assert "gone missing" in page.text
    assert site.get("/ui/flows/edit/deps/child/dependencies?depth=all").count("parent") > 1
    assert "starts none" in site.get("/ui/flows/edit/demo/hello/dependencies")


def test_metrics_of_a_flow_are_a_chart_and_a_table(site: Site) -> None:
    flow = FlowId("demo", "hello")
    metric = Metric("rows", 5.0, MetricKind.COUNTER, {})
    with site.app.database.write() as tx:
        item = StoredMetric(metric, "run", "extract", site.app.clock.now())
        log_rows.add_metrics(tx, "e" * 22, flow, [item, item])
    text = site.get("/ui/flows/edit/demo/hello/metrics?metric=rows&task=extract")
    assert '"name": "rows"' in text.replace("&#34;", '"')
    (table,) = Document(text).root.all("table")
    assert "10" in table.text
    assert "uplot" in text
    assert "uplot" not in site.get("/ui/flows/edit/demo/hello")
    assert site.get("/ui/flows/edit/demo/hello/logs?level=DEBUG&q=x")


def test_an_act_on_all_that_match_is_an_operation_with_progress(site: Site) -> None:
    text = site.get("/ui/executions?state=FAILED")
    assert "Act on all" in text
    answer = site.post("/ui/executions/_all?state=FAILED", {"action": "restart"})
    page = answer.headers["location"].partition("?")[0]
    assert page.startswith("/ui/operations/")
    assert "0 of" in Document(site.get(page)).root.text
    assert site.get(f"{page}/_progress")
    assert site.app.operations.step(site.app.clock.now())
    done = Document(site.get(page)).root.text
    assert "100 %" in done
    assert "done" in done
    assert site.post("/ui/executions/_all", {"action": "explode"}).status_code == 422


def test_an_operation_can_be_cancelled_from_its_page(site: Site) -> None:
    ids = [execution.id for execution in site.executions.values()]
    begun = site.app.operations.begin(Action.LABELS, ids, {"labels": {"a": "b"}})
    site.post(f"/ui/operations/{begun.id}/_cancel", {})
    assert "cancelled" in Document(site.get(f"/ui/operations/{begun.id}")).root.text


def test_expressions_are_evaluated_on_the_context_page(site: Site) -> None:
    address = site.address(next(iter(site.executions)), "context")
    page = site.get(f"{address}?expression=%7B%7B%20flow.id%20~%20'!'%20%7D%7D")
    assert "!</pre>" in page
    assert "It gives no value" in site.get(f"{address}?expression=%7B%7B%20nothing%20%7D%7D")
