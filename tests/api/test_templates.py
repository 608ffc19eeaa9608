"""Templates over HTTP, and flows that take their tasks."""

from tests.api.conftest import Api

TEMPLATE = """
id: greet
namespace: demo.templates
description: Greets
tasks:
  - id: hello
    type: io.kestra.plugin.core.debug.Return
    format: "hello {{ parent.outputs.args.name }}"
"""
FLOW = """
id: uses
namespace: demo.templates
tasks:
  - id: t
    type: io.kestra.plugin.core.flow.Template
    namespace: demo.templates
    templateId: greet
    args: {name: "{{ flow.id }}"}
"""


def test_a_template_is_created_read_replaced_and_deleted(api: Api) -> None:
    made = api("POST", "/templates", content=TEMPLATE)
    assert (made["namespace"], made["id"], made["description"]) == (
        "demo.templates",
        "greet",
        "Greets",
    )
    assert api("GET", "/templates/demo.templates/greet")["source"] == TEMPLATE
    changed = TEMPLATE.replace("Greets", "Says hello")
    assert (
        api("PUT", "/templates/demo.templates/greet", content=changed)["description"]
        == "Says hello"
    )
    assert api("GET", "/templates/search", params={"q": "gree"})["total"] == 1
    assert "demo.templates" in api("GET", "/templates/distinct-namespaces")
    api("DELETE", "/templates/demo.templates/greet", 204)
    assert "no template" in api.refused("GET", "/templates/demo.templates/greet", 404)
    api.refused("DELETE", "/templates/demo.templates/greet", 404)


def test_a_bad_template_is_refused_with_its_problems(api: Api) -> None:
    bad = TEMPLATE.replace("core.debug.Return", "core.debug.Retrun")
    assert "Retrun" in api.refused("POST", "/templates", 422, content=bad)
    assert "Retrun" in api("POST", "/templates/validate", content=bad)["constraints"]
    assert api("POST", "/templates/validate", content=TEMPLATE)["constraints"] is None
    other = TEMPLATE.replace("id: greet", "id: other", 1)
    message = api.refused("PUT", "/templates/demo.templates/greet", 422, content=other)
    assert "Illegal template update" in message


def test_a_flow_takes_the_tasks_of_a_template_as_it_is_when_it_starts(api: Api) -> None:
    execution = api.run(FLOW)
    assert execution.state == "FAILED"
    assert any("Can't find flow template" in line for line in api.logs(execution))
    api("POST", "/templates", content=TEMPLATE)
    execution = api.run(FLOW)
    assert api.outputs(execution)["hello"] == {"value": "hello uses"}
    api("POST", "/templates", content=TEMPLATE.replace('"hello ', '"bye '))
    execution = api.run(FLOW)
    assert api.outputs(execution)["hello"] == {"value": "bye uses"}
    api("DELETE", "/templates/demo.templates/greet", 204)


def test_the_kept_results_of_a_flow_can_be_cleared(api: Api) -> None:
    assert api("DELETE", "/flows/demo.templates/uses/task-cache") == {"count": 0}
