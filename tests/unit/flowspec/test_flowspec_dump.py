"""Flows back to text, to JSON Schema and to docs."""

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from mainstem.flowspec.dump import dump_data, dump_flow, flow_data
from mainstem.flowspec.parse import ParsedFlow
from mainstem.flowspec.source import load
from mainstem.sdk.plugin_docs import plugin_doc, plugin_docs
from mainstem.sdk.registry import Registry
from mainstem.sdk.schema import flow_schema, plugin_schema

CORE = "io.kestra.plugin.core"
Parse = Callable[[str], ParsedFlow]
FLOW = f"""\
namespace: company.team
id: taxi
tasks:
  - type: {CORE}.flow.Group
    id: group
    errors:
      - {{id: oops, type: {CORE}.log.Log, message: "no", level: ERROR}}
    tasks:
      - id: shell
        type: {CORE}.script.Shell
        commands:
          - |
            echo one
            echo two
        taskRunner: {{type: {CORE}.runner.Process, host: h}}
        timeout: PT1M
        retry: {{type: constant, interval: PT10S}}
        env: {{VERSION: "1.10", FLAG: "yes"}}
inputs:
  - {{id: a, type: INT, defaults: 5}}
triggers:
  - {{id: w, type: {CORE}.trigger.Watch, path: "{{{{ vars.p }}}}", interval: PT5S}}
variables: {{p: /in, n: null, day: "2024-01-01"}}
"""


def test_canonical_yaml_is_read_back_as_the_same_flow(parse: Parse) -> None:
    flow = parse(FLOW).flow
    assert flow is not None
    text = dump_flow(flow)
    again = parse(text)
    assert again.flow is not None, again.problems
    assert flow_data(again.flow) == flow_data(flow)
    assert dump_flow(again.flow) == text


def test_canonical_yaml_has_one_order_and_readable_blocks(parse: Parse) -> None:
    flow = parse(FLOW).flow
    assert flow is not None
    text = dump_flow(flow)
    tops = [line.partition(":")[0] for line in text.splitlines() if line[0] not in " -"]
    assert tops == ["id", "namespace", "inputs", "variables", "tasks", "triggers"]
    assert "          - |\n            echo one\n            echo two\n" in text
    assert 'FLAG: "yes"' not in text
    assert 'VERSION: "1.10"' in text
    assert "day: '2024-01-01'" in text  # readers of older YAML would take it for a date


@pytest.mark.parametrize(
    "value",
    ["true", "null", "1", "1.0", "0x1F", "", "~", "- a", "a: b", "#x", "'", '"', "x\n", " x"],
)
def test_text_that_looks_like_something_else_stays_text(value: str) -> None:
    assert load(dump_data({"key": value})).data == {"key": value}


def test_the_json_of_a_flow_says_whether_it_is_deleted(parse: Parse) -> None:
    flow = parse(FLOW).flow
    assert flow is not None
    data = json.loads(json.dumps(flow_data(flow)))
    assert (data["deleted"], data["disabled"]) == (False, False)
    assert data["tasks"][0]["tasks"][0]["retry"] == {"type": "constant", "interval": "PT10S"}


@pytest.fixture(scope="module")
def schema(registry: Registry) -> dict[str, Any]:
    return flow_schema(registry)


def test_the_schema_is_valid_and_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(schema)
    for name in set(_references(schema)):
        assert name.removeprefix("#/$defs/") in schema["$defs"]


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [name for item in value.values() for name in _references(item)]
    if isinstance(value, list):
        return [name for item in value for name in _references(item)]
    return []


def test_a_good_flow_fits_the_schema(schema: dict[str, Any]) -> None:
    jsonschema.validate(load(FLOW).data, schema, cls=jsonschema.Draft7Validator)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("log.Log", "log.Lag"),
        ("level: ERROR", "level: LOUD"),
        ("commands:", "comands:"),
        ("host: h", "host: [h]"),
        ("type: INT", "type: WORD"),
        ("namespace: company.team", "space: company.team"),
    ],
)
def test_the_schema_refuses_what_the_parser_refuses(
    schema: dict[str, Any], parse: Parse, old: str, new: str
) -> None:
    source = FLOW.replace(old, new)
    assert not parse(source).ok
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(load(source).data, schema, cls=jsonschema.Draft7Validator)


def test_types_are_offered_in_full_in_short_and_by_alias(schema: dict[str, Any]) -> None:
    names = schema["$defs"]["any.Task"]["properties"]["type"]["enum"]
    assert {f"{CORE}.script.Shell", "core.script.Shell", "old.Shell"} <= set(names)
    assert f"{CORE}.trigger.Watch" not in names


def test_one_plugin_has_a_schema_of_its_own(registry: Registry) -> None:
    shell = plugin_schema(registry, "old.Shell")
    assert shell["title"] == "Shell"
    assert "any.TaskRunner" in shell["$defs"]
    assert "any.Trigger" not in shell["$defs"]


def test_docs_of_a_plugin_come_from_its_class(registry: Registry) -> None:
    doc = plugin_doc(registry, "core.log.Log")
    assert (doc.kind, doc.title, doc.short) == ("task", "Log", "core.log.Log")
    assert doc.description == "Write a line."
    assert list(doc.aliases) == ["io.kestra.core.tasks.log.Log"]
    assert doc.outputs == {"lines": "How many lines were written."}
    own = {item.name: item for item in doc.properties if not item.inherited}
    assert own["message"].required
    assert own["message"].dynamic
    assert own["message"].description == "What to write."
    assert (own["level"].default, list(own["level"].choices)) == ("INFO", ["INFO", "WARN", "ERROR"])
    assert own["oldLevel"].deprecated
    retry = next(item for item in doc.properties if item.name == "retry")
    assert "interval" in [item.name for item in retry.properties]


def test_property_types_are_written_for_readers(registry: Registry) -> None:
    types = {item.name: item.type for item in plugin_doc(registry, "old.Shell").properties}
    assert types["commands"] == "list of text"
    assert types["taskRunner"] == "task runner"
    assert types["timeout"] == "duration"
    assert types["disabled"] == "boolean"
    assert types["env"] == "map"


def test_every_plugin_has_docs(registry: Registry) -> None:
    assert [doc.type for doc in plugin_docs(registry)] == list(registry.types())
