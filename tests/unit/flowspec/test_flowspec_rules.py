"""Rules that look across a whole flow, and warnings."""

from collections.abc import Callable

import pytest

from mainstem.flowspec.parse import ParsedFlow
from mainstem.flowspec.problems import violations
from mainstem.flowspec.update import check_update
from mainstem.model.flow_id import FlowId

CORE = "io.kestra.plugin.core"
HEAD = "id: taxi\nnamespace: company.team\n"
TASKS = f"tasks:\n  - id: hello\n    type: {CORE}.log.Log\n    message: hi\n"
Parse = Callable[[str], ParsedFlow]


def messages(parsed: ParsedFlow, severity: str = "error") -> list[str]:
    return [item.message for item in parsed.problems if item.severity == severity]


@pytest.mark.parametrize("name", ["taxi", "a.b_c-1", "1st", "x" * 100])
def test_good_flow_ids(parse: Parse, name: str) -> None:
    assert parse(f'id: "{name}"\nnamespace: n\n{TASKS}').ok


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("my#flow", ['id: must match "^[a-zA-Z0-9][a-zA-Z0-9._-]*"']),
        ("-x", ['id: must match "^[a-zA-Z0-9][a-zA-Z0-9._-]*"']),
        ("x" * 101, ["id: size must be between 1 and 100"]),
        (
            "",
            [
                "id: must not be blank",
                'id: must match "^[a-zA-Z0-9][a-zA-Z0-9._-]*"',
                "id: size must be between 1 and 100",
            ],
        ),
    ],
)
def test_bad_flow_ids_are_said_as_the_reference_says_them(
    parse: Parse, name: str, said: list[str]
) -> None:
    assert violations(parse(f'id: "{name}"\nnamespace: n\n{TASKS}').problems) == said


@pytest.mark.parametrize("name", ["", "Company", "a b", "-a", "x" * 151])
def test_bad_namespaces_are_refused(parse: Parse, name: str) -> None:
    (problem,) = parse(f'id: x\nnamespace: "{name}"\n{TASKS}').problems
    assert (problem.line, problem.column, problem.pointer) == (2, 12, "namespace")


def test_task_and_trigger_ids_have_no_dots(parse: Parse) -> None:
    source = (
        HEAD
        + TASKS.replace("hello", "a.b")
        + (f"triggers:\n  - id: c.d\n    type: {CORE}.trigger.Watch\n    path: /\n")
    )
    assert [item.pointer for item in parse(source).problems] == ["tasks[0].id", "triggers[0].id"]


def test_task_ids_are_unique_over_the_whole_tree_even_where_a_task_is_unreadable(
    parse: Parse,
) -> None:
    source = f"""\
id: taxi
namespace: company.team
listeners:
  - tasks:
      - {{id: late, type: {CORE}.log.Log, message: m}}
tasks:
  - {{id: one, type: {CORE}.unknown.Thing}}
  - id: group
    type: {CORE}.flow.Group
    tasks:
      - {{id: one, type: {CORE}.log.Log, message: m}}
  - {{id: late, type: {CORE}.log.Log, message: m}}
errors:
  - {{id: group, type: {CORE}.log.Log, message: m}}
"""
    parsed = parse(source)
    duplicates = [item for item in parsed.problems if item.code == "duplicate-task-id"]
    assert [(item.line, item.message) for item in duplicates] == [
        (5, "Duplicate task id with name [late]"),
        (11, "Duplicate task id with name [one]"),
        (14, "Duplicate task id with name [group]"),
    ]
    assert duplicates[1].suggestion == "The first one is in line 7; rename one of them."
    assert ": Invalid Flow: Duplicate task id with name [one, group, late]" in violations(
        parsed.problems
    )


def test_a_task_that_an_alias_repeats_has_its_id_twice(parse: Parse) -> None:
    source = f"""\
id: taxi
namespace: company.team
tasks:
  - &again {{id: one, type: {CORE}.log.Log, message: m}}
  - *again
"""
    (problem,) = parse(source).problems
    assert problem.message == "Duplicate task id with name [one]"
    assert problem.suggestion == "An alias repeats the one in line 4; give each its own id."


def test_trigger_input_and_output_ids_are_unique(parse: Parse) -> None:
    watch = f"type: {CORE}.trigger.Watch, path: /"
    source = (
        HEAD
        + TASKS
        + (
            "inputs:\n  - {id: a, type: STRING}\n  - {id: a, type: INT}\n"
            "outputs:\n  - {id: b, type: STRING, value: x}\n  - {id: b, type: STRING, value: x}\n"
            f"triggers:\n  - {{id: c, {watch}}}\n  - {{id: c, {watch}}}\n"
        )
    )
    assert messages(parse(source)) == [
        "Duplicate input with name [a]",
        "Duplicate output with name [b]",
        "Duplicate trigger id with name [c]",
    ]


def test_a_flow_does_not_call_itself(parse: Parse) -> None:
    call = f"tasks:\n  - id: again\n    type: {CORE}.flow.Call\n    flowId: taxi\n    namespace: "
    (problem,) = parse(HEAD + call + "company.team\n").problems
    assert problem.message == "Recursive call to flow [company.team.taxi]"
    assert parse(HEAD + call + "company\n").ok


def test_system_labels_are_reserved_but_for_read_only(parse: Parse) -> None:
    source = HEAD + 'labels:\n  system.readOnly: "true"\n  system.from: x\n' + TASKS
    assert messages(parse(source)) == [
        "System labels can only be set by Kestra itself, offending label: system.from=x"
    ]
    trigger = f"triggers:\n  - id: w\n    type: {CORE}.trigger.Watch\n    path: /\n"
    assert not parse(HEAD + TASKS + trigger + "    labels: {system.readOnly: x}\n").ok


def test_an_input_depends_on_inputs_that_exist(parse: Parse) -> None:
    source = (
        HEAD
        + TASKS
        + (
            "inputs:\n  - {id: color, type: STRING}\n"
            "  - id: b\n    type: STRING\n    dependsOn:\n      inputs: [colour]\n"
        )
    )
    (problem,) = parse(source).problems
    assert problem.message == "Input with id 'b' depends on a non-existent input 'colour'."
    assert problem.suggestion == "Did you mean `color`?"
    assert (problem.line, problem.column) == (12, 16)


def test_inputs_do_not_depend_on_each_other_in_a_circle(parse: Parse) -> None:
    one = "  - {{id: {}, type: STRING, dependsOn: {{inputs: [{}]}}}}\n"
    source = (
        HEAD
        + TASKS
        + "inputs:\n"
        + one.format("a", "b")
        + one.format("b", "c")
        + one.format("c", "b")
    )
    assert messages(parse(source)) == [
        "Cycle dependency detected for input with id 'a': [b, c]",
        "Cycle dependency detected for input with id 'b': [b, c]",
        "Cycle dependency detected for input with id 'c': [c, b]",
    ]


def test_an_input_is_not_both_a_value_and_a_map(parse: Parse) -> None:
    source = HEAD + TASKS + "inputs:\n  - {id: a.b, type: STRING}\n  - {id: a, type: STRING}\n"
    (problem,) = parse(source).problems
    assert (problem.code, problem.line) == ("nested-input", 9)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ("type: INT, defaults: many", "Expected `INT` but received `many`"),
        ("type: INT, min: low", "Expected `INT` but received `low`"),
        ("type: DATE, after: 2024", "Expected `DATE` but received `2024`"),
        ("type: FILE, defaults: something", "no `defaults` can be set for inputs of type 'FILE'"),
        ("type: ARRAY, itemType: ARRAY", "`itemType` cannot be `ARRAY`"),
        ("type: ARRAY", "must not be null"),
        ("type: ENUM", "must not be null"),
        ("type: SELECT", "needs `values` or an `expression`"),
        ("type: MULTISELECT, values: [a], options: [a]", "both `values` and `options`"),
        ('type: STRING, validator: "["', "invalid pattern"),
        ("type: STRING, values: [a]", 'Unrecognized field "values"'),
        ("type: BOOLEAN, min: 1", 'Unrecognized field "min"'),
    ],
)
def test_an_input_declares_what_its_type_has(parse: Parse, declared: str, message: str) -> None:
    source = f"{HEAD}{TASKS}inputs:\n  - {{id: a, {declared}}}\n"
    errors = messages(parse(source))
    assert len(errors) == 1
    assert message in errors[0]


def test_good_inputs_of_every_type(parse: Parse) -> None:
    declared = "\n".join(
        f"  - {{id: i{at}, {text}}}"
        for at, text in enumerate(
            [
                "type: STRING, validator: '[A-Z]+', defaults: 5",
                "type: INT, min: 1, max: 2, defaults: '1'",
                "type: FLOAT, min: 0.5",
                "type: BOOL, defaults: true",
                "type: DATETIME, after: '2024-01-01T00:00:00Z'",
                "type: DATE, before: 2024-01-01",
                "type: TIME, after: 08:00:00",
                "type: DURATION, max: PT1H",
                "type: FILE, extension: .csv, defaults: 'nsfile:///a.csv'",
                "type: JSON, defaults: '{}'",
                "type: YAML, defaults: {a: [1]}",
                "type: URI, defaults: 'https://example.com/a'",
                "type: SECRET",
                "type: ENUM, values: [a, b]",
                "type: SELECT, expression: '{{ kv(\"x\") }}'",
                "type: MULTISELECT, values: [1, 2], itemType: INT, defaults: [1]",
                "type: ARRAY, itemType: INT, defaults: '[1, 2]'",
                "type: EMAIL",
            ]
        )
    )
    assert messages(parse(f"{HEAD}{TASKS}inputs:\n{declared}\n")) == []


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("limit: 0", "must be greater than 0"),
        ("behavior: QUEUE", "must not be null"),
        ("limit: 1, behavior: WAIT", "must be one of QUEUE, CANCEL, FAIL, not `WAIT`"),
    ],
)
def test_concurrency_has_a_positive_limit(parse: Parse, written: str, message: str) -> None:
    assert message in messages(parse(f"{HEAD}{TASKS}concurrency: {{{written}}}\n"))[0]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("id: a, type: MAX_DURATION, behavior: FAIL", "must not be null"),
        ("id: a, type: EXECUTION_ASSERTION, behavior: FAIL", "must not be empty"),
        ("id: a, type: MAX_DURATION, duration: PT1S, behavior: STOP", "must be one of"),
        ("id: a, type: OTHER, behavior: FAIL", "Invalid type: OTHER"),
        (
            "id: a, type: MAX_DURATION, duration: PT1S, behavior: FAIL, labels: {system.x: y}",
            "System labels can only be set by Kestra itself, offending label: system.x=y.",
        ),
    ],
)
def test_an_sla_says_what_it_promises(parse: Parse, written: str, message: str) -> None:
    (said,) = messages(parse(f"{HEAD}{TASKS}sla:\n  - {{{written}}}\n"))
    assert message in said


def test_plugin_defaults_of_a_known_type_have_its_properties_and_no_nulls(parse: Parse) -> None:
    source = (
        HEAD
        + TASKS
        + (
            f"pluginDefaults:\n  - type: {CORE}.log.Log\n    values:\n      lewel: WARN\n"
            "      format:\n  - type: io.kestra.plugin.core\n    values: {anything: 1}\n"
        )
    )
    parsed = parse(source)
    assert messages(parsed) == [
        f"Invalid Plugin Default: No property 'lewel' exists in plugin '{CORE}.log.Log'",
        "Invalid Plugin Default: No value provided for key 'format'",
    ]
    assert [item.line for item in parsed.problems] == [10, 11]


def test_a_default_that_can_match_nothing_is_a_warning(parse: Parse) -> None:
    parsed = parse(HEAD + TASKS + "pluginDefaults:\n  - type: com.acme\n    values: {a: 1}\n")
    assert parsed.ok
    assert [item.code for item in parsed.problems] == ["unused-default"]


def test_deprecated_types_properties_and_names_are_warnings(parse: Parse) -> None:
    source = f"""\
{HEAD}inputs:
  - name: old
    type: STRING
tasks:
  - id: a
    type: {CORE}.debug.Echo
    message: x
  - id: b
    type: io.kestra.core.tasks.log.Log
    message: x
    oldLevel: INFO
"""
    parsed = parse(source)
    assert parsed.ok
    warned = [(item.code, item.pointer) for item in parsed.problems]
    assert warned == [
        ("deprecated", "inputs[0].name"),
        ("deprecated", "tasks[0]"),
        ("old-name", "tasks[1].type"),
        ("deprecated", "tasks[1].oldLevel"),
    ]


def test_a_flow_trigger_without_conditions_is_a_warning(parse: Parse) -> None:
    trigger = f"triggers:\n  - id: all\n    type: {CORE}.trigger.Flow\n"
    (said,) = messages(parse(HEAD + TASKS + trigger), "warning")
    assert said == (
        "This flow will be triggered for EVERY execution of EVERY flow on your instance. "
        "We recommend adding the preconditions property to the Flow trigger 'all'."
    )
    assert messages(parse(HEAD + TASKS + trigger + "    preconditions: {id: x}\n"), "warning") == []


def test_an_unreadable_expression_is_a_warning_at_its_place_in_the_text(parse: Parse) -> None:
    source = HEAD + TASKS.replace(
        "message: hi", "message: |\n      fine\n      see {{ inputs.x + }}"
    )
    parsed = parse(source)
    assert parsed.ok
    (problem,) = parsed.problems
    assert (problem.code, problem.line) == ("expression-syntax", 8)
    assert 7 <= problem.column <= 28


def test_text_that_is_never_rendered_is_not_read_as_an_expression(parse: Parse) -> None:
    assert parse(HEAD + "description: use {{ curly\n" + TASKS).problems == ()


def test_a_fault_of_a_plugin_points_at_the_property(parse: Parse) -> None:
    source = (
        HEAD
        + TASKS
        + (f"triggers:\n  - id: w\n    type: {CORE}.trigger.Watch\n    path: /\n    hour: 25\n")
    )
    (problem,) = parse(source).problems
    assert (problem.line, problem.column, problem.pointer) == (11, 11, "triggers[0].hour")


def test_an_update_keeps_id_and_namespace(parse: Parse) -> None:
    source = HEAD + TASKS
    flow = parse(source).flow
    assert flow is not None
    assert check_update(FlowId("company.team", "taxi"), flow) == []
    problems = check_update(FlowId("company", "bus"), flow, source=source)
    assert [(item.pointer, item.line, item.column) for item in problems] == [
        ("flow.id", 1, 5),
        ("flow.namespace", 2, 12),
    ]
    assert "Illegal flow id update" in problems[0].message
    assert "Illegal namespace update" in problems[1].message


def test_numbers_and_booleans_stand_for_their_text_where_text_is_wanted(parse: Parse) -> None:
    parsed = parse(
        "id: 007\nnamespace: 1.10\ndescription: true\n"
        f"tasks:\n  - id: 1\n    type: {CORE}.log.Log\n    message: hi\n"
        "inputs:\n  - id: 2\n    type: STRING\n"
    )
    assert parsed.flow is not None, messages(parsed)
    found = (parsed.flow.id, parsed.flow.namespace, parsed.flow.description)
    assert found == ("007", "1.10", "true")
    assert (parsed.flow.tasks[0].id, parsed.flow.inputs[0].id) == ("1", "2")


def test_ids_are_compared_by_their_text_however_they_are_written(parse: Parse) -> None:
    task = f"type: {CORE}.log.Log, message: hi"
    parsed = parse(f'{HEAD}tasks:\n  - {{id: 1, {task}}}\n  - {{id: "1", {task}}}\n')
    assert messages(parsed) == ["Duplicate task id with name [1]"]
    assert messages(parse(f"{HEAD}tasks:\n  - {{id: 1.5, {task}}}\n"))[0].startswith("must match")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("tenantId: Big", "tenantId: must match"),
        ("outputs: [{id: a, value: 1}]", "outputs[0].type: must not be null"),
        ("inputs: [{id: a}]", "inputs[0].type: Invalid type: null"),
        (
            "inputs: [{id: a, type: STRING, displayName: %s}]" % ("x" * 65),
            "size must be between 0 and 64",
        ),
        ("inputs: [{id: '', type: STRING}]", "inputs[0].id: must not be blank"),
        (
            "sla: [{id: '', type: MAX_DURATION, duration: PT1H, behavior: FAIL}]",
            "must not be empty",
        ),
        ("pluginDefaults: [{values: {a: 1}}]", "Invalid Plugin Default: No 'type' provided"),
        ("pluginDefaults: [{values: {a: 1}}]", "pluginDefaults[0].type: must not be null"),
    ],
)
def test_constraints_are_said_as_the_reference_says_them(
    parse: Parse, written: str, said: str
) -> None:
    assert said in "\n".join(violations(parse(f"{HEAD}{TASKS}{written}\n").problems))


def test_a_worker_group_is_named_like_a_task(parse: Parse) -> None:
    tasks = TASKS + "    workerGroup: {key: %s}\n"
    assert messages(parse(HEAD + tasks % "gpu-1")) == []
    assert messages(parse(HEAD + tasks % "' x'")) == ['must match "^[a-zA-Z0-9][a-zA-Z0-9_-]*"']


def test_the_old_name_of_a_triggers_log_level_is_accepted_with_a_warning(parse: Parse) -> None:
    trigger = f"triggers: [{{id: t, type: {CORE}.trigger.Watch, path: /, minLogLevel: WARN}}]\n"
    parsed = parse(HEAD + TASKS + trigger)
    assert messages(parsed) == []
    assert messages(parsed, "warning") == ["`minLogLevel` is deprecated"]


@pytest.mark.parametrize(
    ("written", "length"),
    [("PT5S", 5.0), ("5", 5.0), ("'5'", 5.0), ("1.5", 1.5), ("'1.5'", 1.5), ("' PT5S '", 5.0)],
)
def test_a_duration_may_be_a_number_of_seconds(parse: Parse, written: str, length: float) -> None:
    parsed = parse(HEAD + TASKS + f"    retry: {{type: constant, interval: {written}}}\n")
    assert parsed.flow is not None, messages(parsed)
    retry = parsed.flow.tasks[0].retry
    assert retry is not None
    assert retry.policy().interval.total_seconds() == length


def test_what_will_go_is_named_by_its_place(parse: Parse) -> None:
    parsed = parse(
        HEAD
        + TASKS
        + "inputs:\n  - {id: a, type: ENUM, values: [x]}\n  - {name: b, type: STRING}\n"
        + "  - {id: c, type: MULTISELECT, options: [x]}\n"
        + f"listeners: [{{tasks: [{{id: l, type: {CORE}.log.Log, message: m}}]}}]\n"
    )
    assert parsed.flow is not None, messages(parsed)
    found = [item.pointer for item in parsed.problems if item.code == "deprecated"]
    assert found == ["inputs[0]", "inputs[1].name", "inputs[2].options", "listeners"]
