"""Core tasks: logging, asserting, ending, variables, counting, templating."""

import pytest

from mainstem.model.state import State
from tests.plugins.bench import NAMESPACE, Bench, task


def test_echo_logs_at_its_level_and_return_logs_its_value_for_the_curious(bench: Bench) -> None:
    found = bench.run(
        task("core.debug.Echo", "echo", format="from {{ task.id }}", level="WARN"),
        task("core.debug.Return", "value", format="{{ 1 + 1 }}"),
        task("core.debug.Return", "nothing"),
    )
    assert found.logs == ["WARN from echo", "DEBUG 2"]
    assert found.outputs["value"] == {"value": "2"}
    assert found.outputs["nothing"] == {}


def test_echo_answers_to_its_old_name_and_is_reported_as_deprecated(bench: Bench) -> None:
    source = bench.flow([{"id": "t", "type": "io.kestra.core.tasks.debugs.Echo", "format": "x"}])
    problems = bench.app.flows.parse(source).problems
    assert any("Echo" in problem.message for problem in problems), problems
    blank = bench.flow([{"id": "t", "type": "io.kestra.core.tasks.debugs.Echo", "format": " "}])
    assert "must not be blank" in [item.message for item in bench.app.flows.parse(blank).problems]


@pytest.mark.parametrize(
    ("state", "ends"),
    [
        (None, State.SUCCESS),
        ("WARNING", State.WARNING),
        ("FAILED", State.FAILED),
        ("CANCELED", State.CANCELLED),
        ("{{ 'KILLED' }}", State.KILLED),
    ],
)
def test_exit_ends_the_execution_in_the_wanted_state(
    bench: Bench, state: str | None, ends: State
) -> None:
    wanted = {"state": state} if state else {}
    found = bench.run(
        task("core.execution.Exit", "out", **wanted), task("core.debug.Return", "never")
    )
    assert found.state is ends
    assert list(found.states) == ["out"]


def test_assert_names_every_condition_that_is_false(bench: Bench) -> None:
    found = bench.run(
        task(
            "core.execution.Assert",
            conditions=["{{ 1 == 1 }}", "{{ 1 > 2 }}", "{{ '' }}"],
            errorMessage="look at {{ task.id }}",
        )
    )
    assert found.state is State.FAILED
    assert found.logs == [
        "ERROR Assertion `{{ 1 > 2 }}` failed!",
        "ERROR Assertion `{{ '' }}` failed!",
        "ERROR look at t",
        "ERROR 2 assertions failed!",
    ]
    assert {(m.metric.name, m.metric.value) for m in found.metrics} == {
        ("failed", 2.0),
        ("success", 1.0),
    }


def test_assert_lets_true_conditions_pass(bench: Bench) -> None:
    assert bench.run(task("core.execution.Assert", conditions=["{{ true }}"])).state is (
        State.SUCCESS
    )


def test_variables_set_by_a_task_are_read_by_the_next_ones_and_can_be_unset(bench: Bench) -> None:
    found = bench.run(
        task("core.execution.SetVariables", "set", variables={"b": "{{ vars.a }}!", "c": [1]}),
        task("core.debug.Return", "seen", format="{{ vars.a ~ vars.b ~ vars.c[0] }}"),
        task("core.execution.UnsetVariables", "unset", variables=["a", "b"]),
        task("core.debug.Return", "left", format="{{ vars.a ?? 'no a' }}, {{ vars | keys }}"),
        task("core.execution.SetVariables", "back", variables={"a": "again"}),
        task("core.debug.Return", "seen_again", format="{{ vars.a }}"),
        variables={"a": "A"},
    )
    values = {name: out.get("value") for name, out in found.outputs.items() if out}
    assert values == {"seen": "AA!1", "left": 'no a, ["c"]', "seen_again": "again"}


def test_variables_are_not_overwritten_unless_that_is_allowed(bench: Bench) -> None:
    found = bench.run(
        task("core.execution.SetVariables", variables={"a": 2}, overwrite=False),
        variables={"a": 1},
    )
    assert found.state is State.FAILED
    assert "`a` already set" in found.errors


def test_unsetting_a_variable_that_is_not_there_fails_unless_it_may_be_missing(
    bench: Bench,
) -> None:
    unset = task("core.execution.UnsetVariables", variables=["x"])
    assert "`x` not set in `vars`" in bench.run(unset).errors
    assert bench.run({**unset, "ignoreMissing": True}).state is State.SUCCESS


def test_output_values_are_rendered_with_their_structure(bench: Bench) -> None:
    found = bench.run(
        task("core.output.OutputValues", values={"a": "{{ 1 + 1 }}", "b": {"c": ["{{ flow.id }}"]}})
    )
    assert found.outputs["t"] == {"values": {"a": "2", "b": {"c": [found.execution.flow.id]}}}


def test_count_keeps_flows_whose_count_satisfies_the_expression(bench: Bench) -> None:
    ran = bench.run(task("core.debug.Return"), id="counted-flow").execution.flow
    bench.again(ran)
    flows = [
        {"namespace": NAMESPACE, "flowId": "counted-flow"},
        {"namespace": NAMESPACE, "flowId": "never-run"},
    ]
    window = {"startDate": "{{ now() | dateAdd(-1, 'DAYS') }}"}
    found = bench.run(
        task("core.execution.Count", "two", flows=flows, expression="{{ count >= 2 }}", **window),
        task("core.execution.Count", "none", flows=flows, expression="{{ count == 0 }}", **window),
        task(
            "core.execution.Count",
            "failed",
            namespaces=["{{ flow.namespace }}"],
            states=["KILLING"],
            expression="{{ count >= 0 }}",
            **window,
        ),
    ).outputs
    assert found["two"] == {"results": [{**flows[0], "count": 2}], "total": 2}
    assert found["none"] == {"results": [{**flows[1], "count": 0}], "total": 0}
    assert found["failed"] == {"results": [], "total": 0}


def test_resume_continues_a_paused_execution_of_the_named_flow_only(bench: Bench) -> None:
    paused = bench.start(task("core.flow.Pause", "wait"))
    bench.server.wait(paused.id, lambda execution: execution.state is State.PAUSED)
    resume = task("core.execution.Resume", executionId=paused.id)
    other = bench.run({**resume, "namespace": NAMESPACE, "flowId": "another"})
    assert f"execution {paused.id} is of flow {paused.flow}" in other.errors
    assert bench.run(resume).state is State.SUCCESS
    assert bench.ended(paused).state is State.SUCCESS
    assert "Execution is not paused" in bench.run(resume).errors


def test_a_sleeping_task_ends_when_its_execution_is_killed(bench: Bench) -> None:
    execution = bench.start(task("core.flow.Sleep", duration="PT1H"))
    bench.server.wait(execution.id, lambda found: found.state is State.RUNNING)
    bench.app.executions.kill(execution.id)
    assert bench.ended(execution).state is State.KILLED


def test_a_templated_task_runs_the_task_that_its_text_describes(bench: Bench) -> None:
    found = bench.run(
        task(
            "core.templating.TemplatedTask",
            spec="type: io.kestra.plugin.core.debug.Return\nformat: '{{ inputs.text }}'",
        ),
        inputs=[{"id": "text", "type": "STRING", "defaults": "alive"}],
    )
    assert found.outputs["t"] == {"value": "alive"}


def test_the_text_of_a_templated_task_is_read_like_a_flow(bench: Bench) -> None:
    spec = "type: core.output.OutputValues\nvalues: {day: 2024-01-31, on: yes, n: 5}"
    found = bench.run(task("core.templating.TemplatedTask", spec=spec))
    assert found.state is State.SUCCESS, found.errors
    assert found.outputs["t"]["values"] == {"day": "2024-01-31", "on": "yes", "n": 5}


def test_a_failing_condition_logs_the_message_and_says_that_it_was_a_condition(
    bench: Bench,
) -> None:
    fails = task("core.execution.Fail", condition="{{ inputs.n > 1 }}", errorMessage="too many")
    found = bench.run(fails, inputs=[{"id": "n", "type": "INT", "defaults": "{{ 1 + 1 }}"}])
    assert found.state is State.FAILED
    assert found.logs[:2] == ["ERROR too many", "ERROR Fail on a condition"]


def test_labels_keep_the_text_of_booleans(bench: Bench) -> None:
    found = bench.run(task("core.execution.Labels", labels={"urgent": True, "n": 1}))
    assert {"urgent": "true", "n": "1"}.items() <= dict(found.execution.labels).items()


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("type: core.flow.Pause\ndelay: PT1S", "must be a runnable task"),
        ("type: core.templating.TemplatedTask\nspec: x", "cannot be of type"),
        ("just text", "must render to the properties of a task"),
        ("type: no.such.Task", "Invalid type: no.such.Task"),
        ("type: core.debug.Return\nformt: x", "formt"),
        ("a: [", "does not render to YAML"),
    ],
)
def test_a_templated_task_says_what_is_wrong_with_its_text(
    bench: Bench, spec: str, said: str
) -> None:
    assert said in bench.run(task("core.templating.TemplatedTask", spec=spec)).errors


def test_fetch_stores_the_lines_of_chosen_tasks_and_levels(bench: Bench) -> None:
    found = bench.run(
        task("core.log.Log", "low", message="quiet", level="DEBUG"),
        task("core.log.Log", "high", message="loud", level="WARN"),
        task("core.log.Fetch", "all", level="TRACE"),
        task("core.log.Fetch", "some", tasksId=["high"]),
    )
    assert found.outputs["all"]["size"] == 2
    assert found.outputs["some"]["size"] == 1
    assert '"loud"' in found.text(found.outputs["some"]["uri"])


def test_fetch_reads_another_execution_only_if_its_flow_is_named(bench: Bench) -> None:
    other = bench.run(task("core.log.Log", message="from afar")).execution
    fetch = task("core.log.Fetch", executionId=other.id)
    assert bench.run(fetch).outputs["t"]["size"] == 0
    named = {**fetch, "namespace": other.flow.namespace, "flowId": other.flow.id}
    assert bench.run(named).outputs["t"]["size"] == 1


def test_purged_logs_are_those_of_the_flow_and_of_exactly_the_levels(bench: Bench) -> None:
    spoken = bench.run(
        task("core.log.Log", "a", message="kept", level="ERROR"),
        task("core.log.Log", "b", message="gone", level="INFO"),
    )
    purge = task(
        "core.log.PurgeLogs",
        namespace=NAMESPACE,
        flowId=spoken.execution.flow.id,
        logLevels=["INFO"],
        endDate="{{ now() }}",
    )
    assert bench.run(purge).outputs["t"] == {"count": 1}
    assert spoken.logs == ["ERROR kept"]


def test_a_flow_reports_figures_of_its_own(bench: Bench) -> None:
    found = bench.run(
        task(
            "core.metric.Publish",
            metrics=[
                {"type": "timer", "name": "took", "value": "PT1M30S", "tags": {"a": "{{ 1 + 1 }}"}},
                {"type": "counter", "name": "{{ 'rows' }}", "value": 42},
                {"type": "gauge", "name": "share", "value": "{{ 1 }}.5"},
            ],
        )
    )
    said = {m.metric.name: (m.metric.kind, m.metric.value, m.metric.tags) for m in found.metrics}
    assert said["took"] == ("timer", 90, {"a": "2"})
    assert said["rows"][:2] == ("counter", 42)
    assert said["share"][:2] == ("gauge", 1.5)
    wrong = [{"type": "counter", "name": "rows", "value": "many"}]
    refused = bench.run(task("core.metric.Publish", metrics=wrong))
    assert "The value of metric `rows` must be a number, not `many`" in refused.errors
