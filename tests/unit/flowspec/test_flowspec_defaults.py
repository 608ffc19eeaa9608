"""Plug-in defaults: which value wins."""

from collections.abc import Callable

import pytest

from mainstem.flowspec.defaults import inject, merge
from mainstem.flowspec.parse import ParsedFlow, parse_flow
from mainstem.sdk.flow import PluginDefault
from mainstem.sdk.registry import Registry

CORE = "io.kestra.plugin.core"
Parse = Callable[[str], ParsedFlow]


def default(type_: str, forced: bool = False, **values: object) -> PluginDefault:
    return PluginDefault(type=type_, forced=forced, values=values)


def test_maps_merge_lists_join_and_null_replaces_nothing() -> None:
    below = {"a": {"x": 1, "y": 2}, "l": [1], "n": 1, "s": "below"}
    above = {"a": {"y": 3}, "l": [2], "n": None, "s": "above"}
    assert merge(below, above) == {"a": {"x": 1, "y": 3}, "l": [1, 2], "n": 1, "s": "above"}


@pytest.mark.parametrize(
    ("defaults", "expected"),
    [
        ([default("a.T", p="default")], "own"),
        ([default("a.T", forced=True, p="forced")], "forced"),
        (
            [default("a.T", forced=True, p="first"), default("a.T", forced=True, p="second")],
            "first",
        ),
        ([default("a.T", p="free"), default("a.T", forced=True, p="forced")], "forced"),
        ([default("a.U", forced=True, p="other")], "own"),
    ],
)
def test_own_values_win_but_over_forced_defaults(
    defaults: list[PluginDefault], expected: str
) -> None:
    assert inject({"type": "a.T", "p": "own"}, defaults)["p"] == expected


def test_the_nearest_default_wins_where_the_plugin_says_nothing() -> None:
    defaults = [default("a.T", p="flow"), default("a.", p="global", q="global")]
    assert inject({"type": "a.T"}, defaults) == {"type": "a.T", "p": "flow", "q": "global"}


def test_a_type_matches_by_its_beginning_as_text() -> None:
    defaults = [default("a.b.", p=1), default("a.bc", q=1)]
    assert inject({"type": "a.b.T"}, defaults) == {"type": "a.b.T", "p": 1}


def test_nested_plugins_get_their_defaults_and_inputs_are_left_alone() -> None:
    flow = {
        "tasks": [{"type": "a.T", "runner": {"type": "r.R"}, "cases": {"x": [{"type": "a.T"}]}}],
        "pluginDefaults": [{"type": "a.T", "values": {"p": 1}}],
    }
    merged = inject(flow, [default("r.", host="h"), default("a.T", p=1)])
    task = merged["tasks"][0]
    assert task["runner"] == {"type": "r.R", "host": "h"}
    assert task["cases"]["x"][0]["p"] == 1
    assert merged["pluginDefaults"] == flow["pluginDefaults"]


def test_a_default_may_bring_a_nested_plugin_of_its_own_type() -> None:
    defaults = [default("a.T", runner={"type": "a.T"})]
    assert inject({"type": "a.T"}, defaults)["runner"] == {"type": "a.T"}


def test_what_no_default_touches_stays_the_same_object() -> None:
    flow = {"tasks": [{"type": "a.T"}], "variables": {"x": [1]}}
    assert inject(flow, [default("b.", p=1)]) is flow


@pytest.mark.parametrize("written", [f"{CORE}.script.Shell", "core.script.Shell", "old.Shell"])
@pytest.mark.parametrize(
    "type_", [f"{CORE}.script.Shell", "core.script.Shell", "old.Shell", f"{CORE}.script", "core.s"]
)
def test_names_match_however_they_are_written(registry: Registry, written: str, type_: str) -> None:
    merged = inject({"type": written}, [default(type_, commands=["a"])], registry)
    assert merged["commands"] == ["a"]


def test_a_default_for_a_package_is_kept_from_types_that_do_not_know_it(parse: Parse) -> None:
    source = f"""\
id: taxi
namespace: company
pluginDefaults:
  - type: {CORE}
    values:
      level: WARN
      env: {{A: b}}
tasks:
  - {{id: a, type: {CORE}.log.Log, message: x}}
  - {{id: b, type: {CORE}.script.Shell, commands: [ls]}}
"""
    flow = parse(source).flow
    assert flow is not None
    assert flow.tasks[0].level == "WARN"  # type: ignore[attr-defined]
    assert flow.tasks[1].env == {"A": "b"}  # type: ignore[attr-defined]


def test_a_wrong_default_is_reported_where_it_is_written(parse: Parse) -> None:
    source = f"""\
id: taxi
namespace: company
pluginDefaults:
  - type: {CORE}.log.Log
    values:
      level: LOUD
tasks:
  - {{id: a, type: {CORE}.log.Log, message: x}}
"""
    (problem,) = parse(source).problems
    assert (problem.line, problem.column, problem.pointer) == (6, 14, "tasks[0].level")


def test_positions_survive_the_merging(parse: Parse) -> None:
    source = f"""\
id: taxi
namespace: company
pluginDefaults:
  - {{type: {CORE}.log.Log, values: {{format: x}}}}
tasks:
  - id: a
    type: {CORE}.log.Log
    message: x
    mesage: y
"""
    (problem,) = parse(source).problems
    assert (problem.line, problem.column) == (9, 5)


def test_a_default_may_give_what_a_task_requires(parse: Parse) -> None:
    source = f"""\
id: taxi
namespace: company
taskDefaults:
  - {{type: core.log.Log, values: {{message: from default}}}}
tasks:
  - {{id: a, type: {CORE}.log.Log}}
"""
    parsed = parse(source)
    assert parsed.ok
    assert [item.code for item in parsed.problems] == ["deprecated"]


def test_positions_survive_the_merging_of_nested_maps(parse: Parse) -> None:
    source = f"""\
id: taxi
namespace: company
pluginDefaults:
  - type: {CORE}
    values:
      options:
        retries: many
      level: WARN
tasks:
  - id: a
    type: {CORE}.script.Shell
    commands: [ls]
    options:
      timeout: PT1S
      timeaut: PT1S
"""
    found = [(item.line, item.column, item.code) for item in parse(source).problems]
    assert found == [(7, 18, "wrong-kind"), (15, 7, "unknown-property")]


def test_a_default_of_the_server_is_reported_at_the_plugin_it_went_into(
    registry: Registry,
) -> None:
    source = f"""\
id: taxi
namespace: company
tasks:
  - id: a
    type: {CORE}.log.Log
    message: x
"""
    outer = [default(f"{CORE}.log.Log", level="LOUD")]
    (problem,) = parse_flow(source, registry, global_defaults=outer).problems
    assert (problem.line, problem.column, problem.pointer) == (4, 5, "tasks[0].level")
