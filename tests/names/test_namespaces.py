"""Namespaces inherit: variables, plug-in defaults; what would break flows is refused."""

import pytest

from mainstem.errors import Conflict, InvalidInput, NotFound
from mainstem.model.state import State
from mainstem.services.namespaces import NamespaceProperties
from tests.server.conftest import Server

FLOW = """
id: {id}
namespace: {namespace}
tasks:
  - {{id: said, type: core.debug.Return{more}}}
"""
RETURN = "io.kestra.plugin.core.debug.Return"


def put(server: Server, name: str, **properties: object) -> None:
    parsed = server.app.namespaces.parse({"id": name, **properties})
    assert parsed.properties is not None, [str(p) for p in parsed.problems]
    server.app.namespaces.save(parsed.properties)


def said(server: Server, namespace: str, text: str | None, name: str = "f") -> object:
    more = f", format: '{text}'" if text is not None else ""
    execution = server.run(FLOW.format(id=name, namespace=namespace, more=more))
    assert execution.state is State.SUCCESS, server.logs(execution)
    outputs = server.outputs(execution)["said"]
    return outputs["value"] if outputs else None


def test_variables_of_the_namespaces_above_are_visible_and_the_nearest_wins(
    server: Server,
) -> None:
    put(server, "a", variables={"x": 1, "deep": {"one": 1, "two": 2}, "list": [1, 2]})
    put(server, "a.b", variables={"deep": {"two": 3}, "list": [3], "raw": "{{ flow.id }}"})
    text = "{{ namespace.x }} {{ namespace.deep.one }}{{ namespace.deep.two }}"
    assert said(server, "a", text) == "1 12"
    assert said(server, "a.b.c", text) == "1 13"
    assert said(server, "a.b", "{{ namespace.list }}") == "[3]"
    assert said(server, "a.b", "{{ namespace.raw }}") == "{{ flow.id }}"
    assert said(server, "a.b", "{{ render(namespace.raw) }}") == "f"
    found = server.app.namespaces.inherited_variables("a.b.c")
    assert {key: item.namespace for key, item in found.items()} == {
        "x": "a",
        "deep": "a.b",
        "list": "a.b",
        "raw": "a.b",
    }
    assert found["deep"].value == {"one": 1, "two": 3}


def test_without_variables_the_root_variable_is_not_there(server: Server) -> None:
    execution = server.run(FLOW.format(id="f", namespace="b", more=", format: '{{ namespace.x }}'"))
    assert execution.state is State.FAILED
    assert "Unable to find `namespace`" in server.logs(execution)[0]


def test_a_change_of_variables_is_seen_by_the_next_execution(server: Server) -> None:
    for value in ("one", "two"):
        put(server, "c", variables={"x": value})
        assert said(server, "c", "{{ namespace.x }}") == value


def test_plugin_defaults_of_the_nearest_namespace_go_before_those_above(server: Server) -> None:
    def default(text: str, **more: object) -> dict[str, object]:
        return {"type": RETURN, "values": {"format": text}, **more}

    put(server, "d", pluginDefaults=[default("of d")])
    assert said(server, "d.e", None) == "of d"
    put(server, "d.e", pluginDefaults=[default("of e")])
    assert said(server, "d.e", None) == "of e"
    assert said(server, "d.e", "own") == "own"
    put(server, "d", pluginDefaults=[default("forced", forced=True)])
    assert said(server, "d.e", "own") == "forced"
    origins = [
        (i.namespace, i.value.values) for i in server.app.namespaces.inherited_defaults("d.e")
    ]
    assert origins == [("d.e", {"format": "of e"}), ("d", {"format": "forced"})]


def test_defaults_that_would_break_a_flow_below_are_refused_with_its_name(server: Server) -> None:
    server.save(FLOW.format(id="mine", namespace="g.h", more=", format: x"))
    broken = {"type": RETURN, "values": {"timeout": "soon"}}
    with pytest.raises(InvalidInput, match=r"g\.h\.mine:\d+"):
        put(server, "g", pluginDefaults=[broken])
    assert server.app.namespaces.find("g") is None


def test_defaults_that_a_flow_needs_cannot_be_deleted(server: Server) -> None:
    needed = {"type": "io.kestra.plugin.core.log.Log", "values": {"message": "hello"}}
    put(server, "needs", pluginDefaults=[needed])
    server.save("id: f\nnamespace: needs\ntasks: [{id: a, type: core.log.Log}]\n")
    with pytest.raises(InvalidInput, match=r"needs\.f"):
        server.app.namespaces.delete("needs")
    server.app.flows.delete(server.app.flows.all("needs")[0].flow)
    server.app.namespaces.delete("needs")
    with pytest.raises(NotFound):
        server.app.namespaces.get("needs")


def test_an_old_revision_does_not_overwrite_a_newer_one(server: Server) -> None:
    namespaces = server.app.namespaces
    first = namespaces.save(NamespaceProperties(id="h", description="one"), create=True)
    with pytest.raises(Conflict, match="exists already"):
        namespaces.save(NamespaceProperties(id="h"), create=True)
    namespaces.save(NamespaceProperties(id="h", description="two"), expected=first.revision)
    with pytest.raises(Conflict, match="changed meanwhile"):
        namespaces.save(NamespaceProperties(id="h"), expected=first.revision)
    assert namespaces.get("h").description == "two"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("id: Big.Name\n", "namespace"),
        ("id: a\nvariables: [1]\n", ""),
        ("id: a\npluginDefaults: [{values: {}}]\n", ""),
        ("id: a\nnonsense: 1\n", "unknown-property"),
    ],
)
def test_faults_of_properties_are_told_with_their_line(
    server: Server, source: str, code: str
) -> None:
    parsed = server.app.namespaces.parse(source, "namespaces/a.yaml")
    assert parsed.properties is None
    assert any(problem.code == code or not code for problem in parsed.problems)
    assert str(parsed.problems[0]).startswith("namespaces/a.yaml:")
