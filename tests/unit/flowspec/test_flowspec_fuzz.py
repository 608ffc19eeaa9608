"""Any text, and any mutation of a real flow: a flow or problems with places, and nothing else."""

import copy
import random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstem.expr import Scope, render_typed
from mainstem.flowspec.inputs import resolve_inputs
from mainstem.flowspec.parse import parse_flow
from mainstem.flowspec.problems import violations
from mainstem.flowtests.parse import TestFile, parse_suite
from mainstem.sdk.inputs import INPUT_TYPES, Input
from mainstem.sdk.registry import Registry

FLOW = """
id: everything
namespace: demo.fuzz
labels: {team: a}
inputs:
  - {id: name, type: STRING, defaults: x, validator: "[a-z]+"}
  - {id: pick, type: SELECT, values: [a, b], dependsOn: {inputs: [name], condition: "{{ true }}"}}
  - {id: list, type: ARRAY, itemType: INT, required: false}
variables: {n: 1}
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [1, 2]
    concurrencyLimit: 2
    tasks:
      - {id: say, type: io.kestra.plugin.core.log.Log, message: "{{ task.id }}", timeout: PT5S}
    errors:
      - {id: oops, type: io.kestra.plugin.core.debug.Return, format: x}
  - id: loop
    type: io.kestra.plugin.core.flow.Loop
    values: {a: 1}
    tasks:
      - id: choice
        type: io.kestra.plugin.core.flow.Switch
        value: "{{ item.value }}"
        cases: {"1": [{id: one, type: io.kestra.plugin.core.flow.Sleep, duration: PT1S}]}
    outputs: [{id: r, type: STRING, value: "{{ 1 }}"}]
  - id: child
    type: io.kestra.plugin.core.flow.Subflow
    namespace: demo.fuzz
    flowId: other
    retry: {type: constant, interval: PT1S, maxAttempt: 3}
  - id: request
    type: io.kestra.plugin.core.http.Request
    uri: http://127.0.0.1/
    options: {auth: {type: BASIC, username: a, password: b}}
triggers:
  - {id: daily, type: io.kestra.plugin.core.trigger.Schedule, cron: "0 5 * * *", timezone: UTC}
  - id: after
    type: io.kestra.plugin.core.trigger.Flow
    preconditions: {id: p, flows: [{namespace: demo.fuzz, flowId: other}]}
concurrency: {limit: 2, behavior: QUEUE}
sla: [{id: s, type: MAX_DURATION, duration: PT1H, behavior: FAIL}]
pluginDefaults: [{type: io.kestra.plugin.core.log.Log, values: {level: WARN}}]
outputs: [{id: out, type: JSON, value: "{}"}]
"""
JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats()
    | st.text(max_size=10)
    | st.sampled_from(["{{ x }}", "{{", "PT5M", "io.kestra.plugin.core.log.Log", "*/5 * * * *"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=6) | st.sampled_from(["id", "type", "tasks"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.installed()


def _places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    items: Any = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        items = enumerate(value)
    for key, item in items:
        found += _places(item, (*at, key))
    return found


PLACES = _places(yaml.safe_load(FLOW))


def _mutated(seed: int, junk: list[object]) -> Any:
    """The flow with values replaced, removed, doubled or moved."""
    chance = random.Random(seed)
    flow = copy.deepcopy(yaml.safe_load(FLOW))
    for value in junk:
        *above, last = chance.choice(PLACES)
        holder: Any = flow
        try:
            for key in above:
                holder = holder[key]
            how = chance.randrange(4)
            if how == 0:
                del holder[last]
            elif how == 1 and isinstance(holder, list):
                holder.append(holder[last])
            elif how == 2 and isinstance(holder, dict):
                holder[f"{last}x"] = holder.pop(last)
            else:
                holder[last] = value
        except (KeyError, IndexError, TypeError):
            continue
    return flow


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), junk=st.lists(JUNK, min_size=1, max_size=4))
def test_any_mutation_of_a_flow_is_a_flow_or_problems_within_the_text(
    registry: Registry, seed: int, junk: list[object]
) -> None:
    text = yaml.safe_dump(_mutated(seed, junk), sort_keys=False, allow_unicode=True)
    parsed = parse_flow(text, registry, path="f.yaml")
    lines = text.count("\n") + 1
    assert parsed.flow is not None or any(problem.is_error for problem in parsed.problems)
    assert all(1 <= problem.line <= lines and problem.column >= 1 for problem in parsed.problems)
    violations(parsed.problems)
    if parsed.flow is not None:
        assert len({task.id for task in parsed.flow.all_tasks()}) == len(
            list(parsed.flow.all_tasks())
        )


@settings(max_examples=200, deadline=None)
@given(text=st.text(alphabet="abid:- \n[]{}\"'#&*!|>%@`,?~0x.\t", max_size=60))
def test_any_text_is_read_without_an_exception(registry: Registry, text: str) -> None:
    assert parse_flow(text, registry).problems
    assert parse_suite(TestFile("a.test.yaml", text), registry).problems


@settings(max_examples=400, deadline=None)
@given(
    kind=st.sampled_from([name for name in INPUT_TYPES if name not in ("SELECT", "MULTISELECT")]),
    value=JUNK,
)
def test_any_value_of_any_input_is_taken_or_refused_with_words(kind: str, value: object) -> None:
    more: dict[str, Any] = {"values": ["a", "b"]} if kind == "ENUM" else {}
    if kind == "ARRAY":
        more["itemType"] = "INT"
    declared = Input.model_validate({"id": "x", "type": kind, **more})
    found = resolve_inputs(
        [declared],
        {"x": value},
        render=lambda text, variables: render_typed(text, Scope(dict(variables))),
        files=lambda _declared, given: str(given),
        encrypt=lambda text: {"sealed": text},
    )
    (item,) = found.inputs
    assert found.ok or (item.error and "`x`" in item.error)
