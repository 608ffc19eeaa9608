"""The statements of a script as child jobs of the script's job."""

from dataclasses import replace

from mainstem.localgcp.bigquery.jobs.job import Job, Output
from mainstem.localgcp.bigquery.jobs.statistics import kept_of, query_statistics
from mainstem.localgcp.bigquery.sql.outcome import Outcome, Run
from mainstem.localgcp.bigquery.warehouse import Warehouse


def keep_children(warehouse: Warehouse, parent: Job, done: Run) -> None:
    """Remember one job for each statement that ran, in their order."""
    for index, outcome in enumerate(done.outcomes):
        child = _child(parent, index, outcome)
        warehouse.history.put(child)
        warehouse.history.keep(child)


def _child(parent: Job, index: int, outcome: Outcome) -> Job:
    kept = kept_of(outcome)
    line, column = outcome.position
    frame = {"startLine": line, "startColumn": column, "text": outcome.text}
    output = Output(
        {
            "query": query_statistics(outcome, outcome.bytes_processed),
            "scriptStatistics": {"evaluationKind": "STATEMENT", "stackFrames": [frame]},
        },
        outcome.bytes_processed,
        destination=outcome.target_table if kept is None else kept[0].ref,
        schema=outcome.fields,
        rows=None if kept is None else kept[1],
        dml_rows=None if outcome.dml is None else outcome.dml.affected,
    )
    started = replace(
        parent,
        ref=replace(parent.ref, job_id=f"script_job_{parent.ref.job_id}_{index}"),
        configuration={
            "query": {"query": outcome.text, "useLegacySql": False, "priority": "INTERACTIVE"},
            "jobType": "QUERY",
        },
        created=outcome.started,
        parent=parent.ref.job_id,
    ).start(outcome.started)
    if outcome.error is not None:
        return started.fail(outcome.error.proto, (), outcome.ended, output)
    return started.succeed(output, outcome.ended, parent.ref.location)
