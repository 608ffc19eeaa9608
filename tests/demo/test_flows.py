"""Our own flows: expressions are readable, columns agree, settings are documented."""

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.taxi_data import COLUMNS
from mainstem.expr.render import parse_problems
from mainstem.flowspec.parse import parse_flow
from mainstem.sdk.registry import Registry

REPOSITORY = Path(__file__).parents[2]
FLOWS = sorted(
    path
    for path in (REPOSITORY / "flows" / "taxi").glob("*.yaml")
    if not path.name.endswith(".test.yaml")
)
SETTINGS = re.compile(r"(kv|secret)\('(\w+)'")


def load(path: Path) -> dict[str, Any]:
    flow: dict[str, Any] = yaml.safe_load(path.read_text())
    return flow


def texts(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from texts(key)
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)
    elif isinstance(node, str):
        yield node


def tasks(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if "id" in node and "type" in node:
            yield node
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from tasks(value)


def test_all_flows_of_the_main_job_are_here() -> None:
    assert {path.stem for path in FLOWS} == {
        "hello_world",
        "getting_started",
        "postgres_taxi",
        "postgres_taxi_scheduled",
        "postgres_dbt",
        "gcp_kv",
        "gcp_setup",
        "gcp_taxi",
        "gcp_taxi_scheduled",
        "gcp_dbt",
    }


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_a_flow_is_named_like_its_file_and_lives_in_the_folder_of_its_namespace(path: Path) -> None:
    flow = load(path)
    assert (flow["id"], flow["namespace"]) == (path.stem, path.parent.name)
    assert flow["description"]


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_the_server_accepts_every_flow_without_a_remark(path: Path) -> None:
    parsed = parse_flow(path.read_text(), Registry.installed(), path=path.name)
    assert parsed.problems == ()


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_every_expression_can_be_read(path: Path) -> None:
    for text in texts(load(path)):
        problem = parse_problems(text)
        assert problem is None, f"{text}: {problem}"


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_each_kv_key_and_secret_is_named_in_the_description(path: Path) -> None:
    flow = load(path)
    used = {match[2] for text in texts(flow) for match in SETTINGS.finditer(text)}
    assert {name for name in used if name not in flow["description"]} == set()


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_no_password_is_written_down(path: Path) -> None:
    for task in [load(path)]:
        for defaults in task.get("pluginDefaults", ()):
            password = defaults["values"].get("password", "{{ secret('X') }}")
            assert re.fullmatch(r"\{\{ secret\('\w+'\) \}\}", password)


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_namespace_files_that_a_task_includes_exist(path: Path) -> None:
    for task in tasks(load(path)):
        for pattern in task.get("namespaceFiles", {}).get("include", ()):
            folder = "dbt/taxi" if pattern.startswith("dbt/") else "files/taxi"
            found = list((REPOSITORY / folder).glob(pattern.removeprefix("dbt/")))
            assert found, f"{task['id']}: {pattern}"


@pytest.mark.parametrize("taxi", COLUMNS)
def test_loads_script_and_generator_agree_on_the_columns(taxi: str) -> None:
    by_id = {task["id"]: task for path in FLOWS for task in tasks(load(path))}
    external = by_id[f"{taxi}_external_table"]["sql"]
    declared = re.findall(r"^ +(\w+) (?:STRING|TIMESTAMP|INT64|NUMERIC)\b", external, re.MULTILINE)
    kept = re.findall(r"^ +(\w+) \w+ OPTIONS", by_id[f"{taxi}_create_table"]["sql"], re.MULTILINE)
    staged = by_id[f"{taxi}_create_tables"]["sql"].partition(");")[0]
    staged_columns = re.findall(
        r"^ +(\w+) +(?:text|timestamp|integer|double)", staged, re.MULTILINE
    )
    assert tuple(declared) == COLUMNS[taxi]
    assert tuple(kept) == ("unique_row_id", "filename", *COLUMNS[taxi])
    assert tuple(staged_columns) == COLUMNS[taxi]
    assert tuple(by_id[f"{taxi}_copy_in"]["columns"]) == COLUMNS[taxi]
    assert tuple(fetch_columns()[taxi].split(",")) == COLUMNS[taxi]


def fetch_columns() -> dict[str, str]:
    path = REPOSITORY / "files" / "taxi" / "scripts" / "fetch_trips.py"
    spec = importlib.util.spec_from_file_location("fetch_trips", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    columns: dict[str, str] = module.COLUMNS
    return columns


@pytest.mark.parametrize("where", ["postgres", "gcp"])
def test_the_scheduled_flow_gives_the_loading_flow_what_it_asks_for(where: str) -> None:
    flows = {path.stem: load(path) for path in FLOWS}
    scheduled, loading = flows[f"{where}_taxi_scheduled"], flows[f"{where}_taxi"]
    (subflow,) = (task for task in scheduled["tasks"] if task["id"] == "load_month")
    assert subflow["flowId"] == loading["id"]
    assert set(subflow["inputs"]) == {item["id"] for item in loading["inputs"]}
    assert {trigger["inputs"]["taxi"] for trigger in scheduled["triggers"]} == {"green", "yellow"}
