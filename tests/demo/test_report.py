"""What the demo tells its reader about executions."""

from typing import Any

from demo.client import Execution, TaskRun
from demo.report import dbt_kind, figures, label, table

START, LATER = "2026-01-01T10:00:00Z", "2026-01-01T10:00:02.5Z"


def task_run(task_id: str, state: str = "SUCCESS", parent: str | None = None) -> dict[str, Any]:
    return {
        "id": f"run-{task_id}",
        "taskId": task_id,
        "parentTaskRunId": parent,
        "state": {"current": state, "histories": [{"date": START}, {"date": LATER}]},
    }


def execution(*task_runs: dict[str, Any], **values: Any) -> Execution:
    state = {"current": "SUCCESS", "histories": [{"date": START}, {"date": LATER}]}
    base = {"id": "e1", "namespace": "taxi", "flowId": "f", "state": state}
    return Execution({**base, "taskRunList": list(task_runs), **values})


def test_a_duration_is_the_time_between_the_first_and_the_last_state() -> None:
    assert execution().seconds == 2.5


def test_the_culprit_is_the_failed_task_at_the_bottom_and_not_what_contains_it() -> None:
    failing = execution(
        task_run("load", "FAILED"),
        task_run("merge", "FAILED", parent="run-load"),
        task_run("label"),
    )
    assert [run.task_id for run in failing.culprits] == ["merge"]


def test_a_load_shows_its_rows_and_table() -> None:
    loaded = execution(outputs={"rows": 99968, "table": "demo.taxi.yellow_tripdata"})
    assert figures(loaded) == ", 99,968 rows in yellow_tripdata"


def test_a_dbt_build_shows_how_many_nodes_of_each_kind_ran_and_failed() -> None:
    built = execution(
        task_run("dbt_build"),
        task_run("model.taxi.fct_trips", parent="run-dbt_build"),
        task_run("test.taxi.unique_fct_trips", parent="run-dbt_build"),
        task_run("test.taxi.not_null_fct_trips", "FAILED", parent="run-dbt_build"),
    )
    assert figures(built) == ", dbt: 1 models, 2 tests, 1 failed"


def test_a_task_of_a_flow_is_no_dbt_node_whatever_its_name() -> None:
    assert dbt_kind(TaskRun(task_run("model"))) == ""


def test_a_title_says_what_a_flow_was_run_for() -> None:
    inputs = {"taxi": "green", "year": "2019", "month": "02"}
    assert label("gcp_taxi", inputs) == "gcp_taxi green 2019-02"
    assert label("gcp_dbt", {}) == "gcp_dbt"


def test_a_table_lines_up() -> None:
    assert table([("flow", "state"), ("gcp_taxi", "SUCCESS")]).splitlines() == [
        "flow      state",
        "--------  -------",
        "gcp_taxi  SUCCESS",
    ]
