"""Flows from text: every problem of a file in one pass, at its place."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mainstem.flowspec.parse import ParsedFlow, check_properties, parse_flow
from mainstem.flowspec.problems import violations
from mainstem.sdk.flow import PluginDefault
from mainstem.sdk.registry import Registry
from mainstem.sdk.task import Retry, Task

CORE = "io.kestra.plugin.core"
HEAD = "id: taxi\nnamespace: company.team\n"
TASKS = f"tasks:\n  - id: hello\n    type: {CORE}.log.Log\n    message: hi\n"
Parse = Callable[[str], ParsedFlow]
Places = Callable[[str], list[tuple[int, int, str]]]


def test_a_flow_becomes_typed_tasks(parse: Parse) -> None:
    parsed = parse(HEAD + TASKS)
    assert parsed.ok
    assert parsed.flow is not None
    assert parsed.flow.task("hello") is parsed.flow.tasks[0]
    assert parsed.problems == ()


@pytest.mark.parametrize(
    "name", [f"{CORE}.log.Log", "core.log.Log", "io.kestra.core.tasks.log.Log"]
)
def test_a_type_may_be_written_in_full_in_short_or_by_an_alias(parse: Parse, name: str) -> None:
    assert parse(HEAD + TASKS.replace(f"{CORE}.log.Log", name)).ok


def test_all_problems_of_a_file_are_found_in_one_pass(found: Places) -> None:
    source = f"""\
id: my#flow
namespace: company.team
labels:
  system.x: y
inputs:
  - id: a
    type: WORD
tasks:
  - id: one
    type: {CORE}.log.Lug
  - id: two
    type: {CORE}.log.Log
    mesage: hi
  - id: group
    type: {CORE}.flow.Group
    concurrent: many
    tasks:
      - id: one
        type: {CORE}.log.Log
        message: hi
        level: LOUD
        retry: {{type: constant}}
      - id: deep
        type: {CORE}.script.Shell
        commands: [a]
        taskRunner:
          type: {CORE}.runner.Process
          hast: x
triggers:
  - id: watch
    type: {CORE}.trigger.Watch
    path: /in
    hour: 24
    conditions:
      - type: {CORE}.condition.Never
"""
    assert found(source) == [
        (1, 5, "invalid-id"),
        (4, 13, "system-label"),
        (7, 11, "invalid-type"),
        (10, 11, "invalid-type"),
        (11, 5, "required"),
        (13, 5, "unknown-property"),
        (16, 17, "wrong-kind"),
        (18, 13, "duplicate-task-id"),
        (21, 16, "invalid-value"),
        (22, 16, "required"),
        (28, 11, "unknown-property"),
        (33, 11, "invalid-value"),
        (35, 15, "invalid-type"),
    ]


def test_an_unknown_property_names_the_class_and_the_nearest_property(parse: Parse) -> None:
    (problem,) = parse(HEAD + TASKS + "    mesage: x\n").problems
    assert 'Unrecognized field "mesage"' in problem.message
    assert f"class {CORE}.log.Log" in problem.message
    assert problem.suggestion == "Did you mean `message`?"
    assert problem.pointer == "tasks[0].mesage"


def test_names_are_camel_case_only(parse: Parse) -> None:
    (problem,) = parse(HEAD + TASKS + "    run_if: x\n").problems
    assert problem.suggestion == "Did you mean `runIf`?"


def test_a_problem_prints_like_a_compiler_does(registry: Registry) -> None:
    source = HEAD + TASKS.replace("log.Log", "log.Lag")
    (problem,) = parse_flow(source, registry, path="flows/taxi.yaml").problems
    assert str(problem) == (
        "flows/taxi.yaml:5:11: Invalid type: io.kestra.plugin.core.log.Lag "
        "Did you mean `io.kestra.plugin.core.log.Log`?"
    )


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("level: LOUD", "must be one of INFO, WARN, ERROR, not `LOUD`"),
        ("disabled: maybe", "must be true or false, not `maybe`"),
        ("timeout: soon", "ISO-8601"),
        ("retry: {type: constant, interval: PT1S, maxAttempt: 0}", "greater than or equal to 1"),
        ("retry: {type: sometimes}", "Invalid type: sometimes"),
        ("retry: {interval: PT1S}", "Invalid type: null"),
        ("description: [a]", "must be text, not a list"),
        ("workerGroup: fast", "must be a map, not `fast`"),
    ],
)
def test_wrong_values_are_told_in_plain_words(parse: Parse, written: str, message: str) -> None:
    (problem,) = parse(f"{HEAD}{TASKS}    {written}\n").problems
    assert message in problem.message
    assert problem.line == 7


def test_null_is_absent(parse: Parse) -> None:
    source = HEAD + "inputs:\ntriggers: null\n" + TASKS + "    timeout:\n    level: null\n"
    assert parse(source).ok
    (problem,) = parse(HEAD + TASKS.replace("message: hi", "message:")).problems
    assert (problem.message, problem.pointer) == ("must not be null", "tasks[0].message")


@pytest.mark.parametrize("tasks", ["", "tasks: []\n", "tasks:\n"])
def test_a_flow_needs_a_task(parse: Parse, tasks: str) -> None:
    (problem,) = parse(HEAD + tasks).problems
    assert (problem.message, problem.pointer) == ("must not be empty", "tasks")


@pytest.mark.parametrize(
    "text", ["", "  \n# nothing\n", "- a\n", "just text", "\x00", "a: [", "{}"]
)
def test_text_that_is_no_flow_gives_problems_and_no_exception(parse: Parse, text: str) -> None:
    parsed = parse(text)
    assert not parsed.ok
    assert parsed.problems


def test_tasks_that_are_no_maps_are_reported(parse: Parse) -> None:
    parsed = parse(HEAD + "tasks:\n  - hello\n  - [x]\n")
    assert [(item.line, item.code) for item in parsed.problems] == [
        (4, "wrong-kind"),
        (5, "wrong-kind"),
    ]


def test_lenient_parsing_drops_what_no_class_knows(registry: Registry) -> None:
    source = (
        HEAD
        + "gone: 1\n"
        + TASKS
        + "    lost: 1\n    retry: {type: constant, interval: PT1S, odd: 1}\n"
    )
    assert not parse_flow(source, registry).ok
    parsed = parse_flow(source, registry, lenient=True)
    assert parsed.flow is not None
    assert parsed.flow.tasks[0].retry is not None


def test_numbers_reach_text_properties_as_they_were_written(parse: Parse) -> None:
    parsed = parse(HEAD + TASKS + "    format: 1.10\n")
    assert parsed.flow is not None
    assert parsed.flow.tasks[0].format == "1.10"  # type: ignore[attr-defined]


def test_labels_may_be_a_list(parse: Parse) -> None:
    source = (
        HEAD + "labels:\n  - key: team\n    value: data\n  - key: year\n    value: 2024\n" + TASKS
    )
    parsed = parse(source)
    assert parsed.flow is not None
    assert parsed.flow.labels == {"team": "data", "year": "2024"}


def test_a_part_of_a_flow_can_be_checked_alone(registry: Registry) -> None:
    good = check_properties(Task, f"id: a\ntype: {CORE}.log.Log\nmessage: x", registry)
    assert good.made is not None
    bad = check_properties(Task, f"id: a\ntype: {CORE}.log.Log", registry)
    assert violations(bad.problems) == ["message: must not be null"]
    wrong = check_properties(Task, f"id: a\ntype: {CORE}.trigger.Watch", registry)
    assert "cannot be used as a Task" in wrong.problems[0].message


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            "{type: constant, interval: PT10S, maxDuration: PT1S}",
            "'interval' must be less than 'maxDuration' but is PT10S",
        ),
        (
            "{type: exponential, interval: PT1S, maxInterval: PT1S}",
            "'interval' must be less than 'maxInterval' but is PT1S",
        ),
        (
            "{type: random, minInterval: PT3S, maxInterval: PT2S}",
            "'minInterval' must be less than 'maxInterval' but is PT3S",
        ),
        (
            "{type: random, minInterval: PT1S, maxInterval: PT9S, maxDuration: PT8S}",
            "'maxInterval' must be less than 'maxDuration' but is PT9S",
        ),
        (
            "{type: random, interval: PT1S, minInterval: PT1S, maxInterval: PT2S}",
            'Unrecognized field "interval"',
        ),
        ("{type: exponential, interval: PT1S}", "must not be null"),
    ],
)
def test_a_retry_must_make_sense(registry: Registry, written: str, message: str) -> None:
    checked = check_properties(Retry, written, registry)
    assert len(checked.problems) == 1
    assert message in checked.problems[0].message


def test_namespace_and_global_defaults_go_below_those_of_the_flow(registry: Registry) -> None:
    source = (
        HEAD + f"pluginDefaults:\n  - type: {CORE}.log.Log\n    values: {{format: flow}}\n" + TASKS
    )
    outer = PluginDefault(type=f"{CORE}.log", values={"format": "space", "level": "WARN"})
    world = PluginDefault(type=CORE, values={"level": "ERROR", "description": "world"})
    parsed = parse_flow(source, registry, namespace_defaults=[outer], global_defaults=[world])
    assert parsed.flow is not None
    task = parsed.flow.tasks[0]
    assert (task.format, task.level, task.description) == ("flow", "WARN", "world")  # type: ignore[attr-defined]


_NAMES = [
    "id",
    "type",
    "tasks",
    "errors",
    "message",
    "retry",
    "inputs",
    "labels",
    "dependsOn",
    "condition",
    "defaults",
    "values",
    "pluginDefaults",
    "forced",
    "triggers",
    "conditions",
    "timeout",
    "outputs",
    "sla",
    "concurrency",
    "limit",
]
_TOPS = [
    "id",
    "namespace",
    "tasks",
    "inputs",
    "outputs",
    "labels",
    "errors",
    "triggers",
    "pluginDefaults",
    "taskDefaults",
    "sla",
    "retry",
    "variables",
    "listeners",
    "finally",
]
_WORDS = [f"{CORE}.log.Log", f"{CORE}.flow.Group", "{{ inputs.x }}", "{{", "PT1S"]
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(_WORDS)
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=5)
    ),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(_TOPS), _VALUES))
def test_no_data_makes_the_parser_raise(flow: dict[str, object]) -> None:
    parsed = parse_flow(json.dumps(flow), _FUZZED)
    assert parsed.ok is not any(item.is_error for item in parsed.problems)
    assert all(item.line >= 1 and item.column >= 1 for item in parsed.problems)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:- \n\t'\"{}[]|>&*!#%@`,?0."), max_size=60))
def test_no_text_makes_the_parser_raise(text: str) -> None:
    assert parse_flow(text, _FUZZED).problems


_FUZZED = Registry([])


@pytest.fixture(autouse=True, scope="module")
def _fill(registry: Registry) -> None:
    for name in registry.types():
        _FUZZED.register(registry.find(name))
