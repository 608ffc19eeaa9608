"""Query jobs: GoogleSQL through the SQL layer, its rows into a table, its story into statistics."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mainstem.localgcp.bigquery.destination import Target, insert_rows, prepare, with_required
from mainstem.localgcp.bigquery.errors import BigQueryError, invalid
from mainstem.localgcp.bigquery.host import JobHost
from mainstem.localgcp.bigquery.jobs.job import Job, Output
from mainstem.localgcp.bigquery.jobs.runner import Running
from mainstem.localgcp.bigquery.jobs.script import keep_children
from mainstem.localgcp.bigquery.jobs.statistics import kept_of, query_statistics
from mainstem.localgcp.bigquery.model import DatasetRef, Kind, Table, TableRef
from mainstem.localgcp.bigquery.names import ANONYMOUS, relation
from mainstem.localgcp.bigquery.readers.diagnosis import find_bad_records, too_many
from mainstem.localgcp.bigquery.readers.scalars import SENTINEL
from mainstem.localgcp.bigquery.sql.outcome import Outcome, Request, Run
from mainstem.localgcp.bigquery.sql.run import run
from mainstem.localgcp.bigquery.warehouse import Warehouse
from mainstem.localgcp.bigquery.wire.jobs import QueryBody

READ_FAILURES = (SENTINEL, "CSV Error", "Malformed JSON")


@dataclass(frozen=True, slots=True)
class Query:
    """A query job as it was asked for; `parameters` are as the API writes them."""

    project: str
    body: QueryBody
    target: Target | None
    default_dataset: DatasetRef | None
    temporary: Mapping[str, Table]
    parameters: tuple[Mapping[str, object], ...]
    job: Job


def query_of(body: QueryBody, target: Target | None, project: str, job: Job) -> Query:
    """Read the configuration, refusing what could only be ignored."""
    if body.use_legacy_sql is not False:
        raise invalid(
            "The local BigQuery emulator does not support legacy SQL, which is what "
            "useLegacySql means unless it is set to false.",
            "useLegacySql",
        )
    for used in body.connection_properties:
        raise invalid(
            f"The local BigQuery emulator does not support the connection property {used.key}.",
            "connectionProperties",
        )
    if not body.query.strip():
        raise BigQueryError("required", "Required parameter is missing: query", location="query")
    if target is not None and target.updates and target.write == "WRITE_EMPTY":
        raise invalid("Schema update options should only be specified with WRITE_APPEND")
    named, temporary = body.default_dataset, _temporary(body, project, job)
    dataset = None if named is None else named.ref(project)
    if dataset is None and temporary:
        dataset = DatasetRef(project, ANONYMOUS)
    return Query(project, body, target, dataset, temporary, _parameters(job), job)


def _parameters(job: Job) -> tuple[Mapping[str, object], ...]:
    query = job.configuration.get("query")
    given = query.get("queryParameters") if isinstance(query, Mapping) else None
    return tuple(given) if isinstance(given, list) else ()


def _temporary(body: QueryBody, project: str, job: Job) -> dict[str, Table]:
    """External tables that exist for this query alone."""
    tables = {}
    for name, definition in body.table_definitions.items():
        schema = () if definition.schema_ is None else definition.schema_.read()
        tables[name] = Table(
            ref=TableRef(project, ANONYMOUS, name),
            kind=Kind.EXTERNAL,
            location=job.ref.location,
            schema=schema,
            created=job.created,
            modified=job.created,
            etag="",
            external=definition.read(),
        )
    return tables


def run_query(warehouse: Warehouse, running: Running, query: Query) -> Output:
    """Run the text; a script's statements become child jobs, its last rows its answer."""
    host = JobHost(
        warehouse,
        running.cursor,
        query.project,
        default_dataset=query.default_dataset,
        location=running.location,
    )
    host.temporary = {
        name: host.with_detected_schema(table) for name, table in query.temporary.items()
    }
    if query.target is not None:
        _check_is_select(host, query)
    done = run(query.body.query, host, _request(running, query, is_dry_run=query.job.is_dry_run))
    running.location = host.pinned_location
    output = _output(warehouse, query, done)
    if done.error is not None:
        running.partial = output
        raise _explained(host, done.error)
    if query.target is not None and not query.job.is_dry_run:
        output = _moved(host, query.target, output)
    return output


def _request(running: Running, query: Query, *, is_dry_run: bool) -> Request:
    return Request(
        parameters=query.parameters,
        is_dry_run=is_dry_run,
        maximum_bytes_billed=query.body.maximum_bytes_billed,
        job_id=query.job.ref.job_id,
        is_cancelled=lambda: running.stop_reason is not None,
    )


def _check_is_select(host: JobHost, query: Query) -> None:
    """A destination is for the rows of one SELECT; find out before anything is changed."""
    planned = run(query.body.query, host, Request(parameters=query.parameters, is_dry_run=True))
    if planned.error is not None:
        raise planned.error
    if planned.is_script:
        raise invalid("configuration.query.destinationTable cannot be set for scripts")
    if planned.outcomes and planned.outcomes[0].fields is None:
        raise invalid(
            "Cannot set destination table in jobs with DDL or DML statements",
            "configuration.query.destinationTable",
        )


def _output(warehouse: Warehouse, query: Query, done: Run) -> Output:
    if done.is_script and not query.job.is_dry_run:
        keep_children(warehouse, query.job, done)
    answer = _answer(query, done)
    if answer is None:
        return Output({"query": {}}, done.bytes_processed)
    kept = kept_of(answer)
    destination = answer.target_table if kept is None else kept[0].ref
    statistics = query_statistics(answer, done.bytes_processed)
    if done.is_script:
        statistics["statementType"] = "SCRIPT"
    return Output(
        {"query": statistics},
        done.bytes_processed,
        destination=destination,
        schema=answer.fields,
        rows=None if kept is None else kept[1],
        dml_rows=None if answer.dml is None else answer.dml.affected,
        child_jobs=len(done.outcomes) if done.is_script else 0,
    )


def _answer(query: Query, done: Run) -> Outcome | None:
    """The statement whose rows the job answers with."""
    if not done.outcomes:
        return None
    if not done.is_script:
        return done.outcomes[-1]
    options = query.body.script_options
    if options is not None and options.key_result_statement == "FIRST_SELECT":
        with_rows = [outcome for outcome in done.outcomes if outcome.fields is not None]
        return with_rows[0] if with_rows else done.outcomes[-1]
    return done.last_with_rows or done.outcomes[-1]


def _moved(host: JobHost, target: Target, output: Output) -> Output:
    """The kept rows in the table that the job named, in one transaction."""
    assert output.destination is not None
    assert output.schema is not None
    columns = [field.name for field in output.schema]
    with host.writing():
        assert host.transaction is not None
        schema = with_required(host.transaction, target, output.schema)
        table = prepare(host.transaction, target, schema)
        source = f"SELECT * FROM {relation(output.destination)}"
        insert_rows(host.transaction, table, columns, source, target.partition)
    host.warehouse.results.drop(output.destination)
    return replace(output, destination=target.named)


def _explained(host: JobHost, problem: BigQueryError) -> BigQueryError:
    """An error while reading files, with the place in the file that the scan could not know."""
    if not any(sign in problem.message for sign in READ_FAILURES):
        return problem
    for source in host.scanned.values():
        if source.config.format in ("CSV", "NEWLINE_DELIMITED_JSON"):
            bad = find_bad_records(host.cursor, source)
            if bad.count > source.config.max_bad_records:
                return too_many(source, bad)
    return problem
