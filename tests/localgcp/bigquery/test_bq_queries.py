"""Queries as jobs and as requests: results, destinations, parameters, limits, history."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from google.api_core import exceptions
from google.cloud import bigquery
from google.cloud.bigquery import QueryJobConfig, SchemaField

from tests.localgcp.bigquery.harness import PROJECT


@pytest.fixture
def numbers(client: bigquery.Client, table_id: str) -> str:
    client.create_table(
        bigquery.Table(table_id, [SchemaField("i", "INTEGER"), SchemaField("s", "STRING")])
    )
    assert client.insert_rows_json(table_id, [{"i": i, "s": f"v{i}"} for i in range(10)]) == []
    return table_id


def test_a_query_answers_with_rows_and_schema(client: bigquery.Client) -> None:
    rows = client.query("SELECT 1 AS a, 'x' AS b").result()
    assert [(f.name, f.field_type) for f in rows.schema] == [("a", "INTEGER"), ("b", "STRING")]
    assert ([row.values() for row in rows], rows.total_rows) == ([(1, "x")], 1)


def test_a_query_and_wait_is_one_request(client: bigquery.Client, numbers: str) -> None:
    rows = client.query_and_wait(f"SELECT * FROM `{numbers}` ORDER BY i", page_size=4)
    assert [row["i"] for row in rows] == list(range(10))


def test_a_big_result_comes_by_pages(client: bigquery.Client) -> None:
    sql = "SELECT n FROM UNNEST(GENERATE_ARRAY(1, 250000)) AS n ORDER BY n"
    rows = client.query_and_wait(sql)
    values = [row[0] for row in rows]
    assert (values[0], values[-1], len(values), rows.total_rows) == (1, 250_000, 250_000, 250_000)


def test_the_result_is_a_table_of_its_own(client: bigquery.Client, numbers: str) -> None:
    job = client.query(f"SELECT i FROM `{numbers}`")
    job.result()
    assert client.get_table(job.destination).num_rows == 10
    assert len(list(client.list_rows(job.destination))) == 10


def test_parameters_of_every_shape_arrive(client: bigquery.Client) -> None:
    moment = dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    config = QueryJobConfig(
        query_parameters=[
            bigquery.ScalarQueryParameter("i", "INT64", 7),
            bigquery.ScalarQueryParameter("n", "NUMERIC", Decimal("1.5")),
            bigquery.ScalarQueryParameter("t", "TIMESTAMP", moment),
            bigquery.ScalarQueryParameter("nothing", "STRING", None),
            bigquery.ArrayQueryParameter("a", "STRING", ["x", "y"]),
            bigquery.StructQueryParameter(
                "s", bigquery.ScalarQueryParameter("x", "INT64", 1),
                bigquery.ScalarQueryParameter("y", "STRING", "z"),
            ),
        ]
    )  # fmt: skip
    sql = "SELECT @i AS i, @n AS n, @t AS t, @nothing AS nothing, @a AS a, @s.y AS y"
    (row,) = client.query(sql, job_config=config).result()
    assert dict(row.items()) == {
        "i": 7, "n": Decimal("1.5"), "t": moment, "nothing": None, "a": ["x", "y"], "y": "z",
    }  # fmt: skip
    positional = QueryJobConfig(
        query_parameters=[
            bigquery.ScalarQueryParameter(None, "INT64", 1),
            bigquery.ScalarQueryParameter(None, "STRING", "b"),
        ]
    )
    (row,) = client.query("SELECT ? AS a, ? AS b", job_config=positional).result()
    assert row.values() == (1, "b")


def test_a_destination_obeys_its_dispositions(client: bigquery.Client, numbers: str) -> None:
    into = f"{numbers}_into"
    config = QueryJobConfig(
        destination=into,
        clustering_fields=["i"],
        write_disposition="WRITE_EMPTY",
        labels={"why": "test"},
    )
    job = client.query(f"SELECT i FROM `{numbers}`", job_config=config)
    job.result()
    assert (job.destination.table_id, job.labels) == (into.rsplit(".", 1)[1], {"why": "test"})
    assert client.get_table(into).clustering_fields == ["i"]
    with pytest.raises(exceptions.Conflict, match="Already Exists: Table"):
        client.query("SELECT 1 AS i", job_config=config).result()
    append = QueryJobConfig(destination=into, write_disposition="WRITE_APPEND")
    client.query("SELECT 10 AS i", job_config=append).result()
    assert client.get_table(into).num_rows == 11
    with pytest.raises(exceptions.BadRequest, match="Cannot add fields"):
        client.query("SELECT 10 AS i, 'x' AS s", job_config=append).result()
    append.schema_update_options = ["ALLOW_FIELD_ADDITION"]
    client.query("SELECT 10 AS i, 'x' AS s", job_config=append).result()
    assert [f.name for f in client.get_table(into).schema] == ["i", "s"]
    truncate = QueryJobConfig(destination=into, write_disposition="WRITE_TRUNCATE")
    client.query("SELECT 'only' AS s", job_config=truncate).result()
    assert [row.values() for row in client.list_rows(into)] == [("only",)]


def test_a_destination_is_for_rows_only(client: bigquery.Client, numbers: str) -> None:
    config = QueryJobConfig(destination=f"{numbers}_ddl")
    with pytest.raises(exceptions.BadRequest, match="Cannot set destination table"):
        client.query(f"DELETE FROM `{numbers}` WHERE true", job_config=config).result()
    assert client.get_table(numbers).num_rows == 10


def test_a_dry_run_costs_what_its_columns_hold_and_runs_nothing(
    client: bigquery.Client, numbers: str
) -> None:
    config = QueryJobConfig(dry_run=True)
    job = client.query(f"SELECT i FROM `{numbers}`", job_config=config)
    assert (job.state, job.total_bytes_processed, job.cache_hit) == ("DONE", 80, False)
    assert [f.name for f in job.schema] == ["i"]
    with pytest.raises(exceptions.BadRequest):
        client.query("SELECT FROM", job_config=config)


def test_a_query_over_its_byte_limit_is_refused(client: bigquery.Client, numbers: str) -> None:
    config = QueryJobConfig(maximum_bytes_billed=1)
    with pytest.raises(exceptions.GoogleAPICallError, match="limit for bytes billed: 1"):
        client.query(f"SELECT i FROM `{numbers}`", job_config=config).result()


def test_an_error_names_place_and_reason(client: bigquery.Client) -> None:
    job = client.query("SELECT nope FROM (SELECT 1 AS a)")
    with pytest.raises(exceptions.BadRequest, match=r"Unrecognized name: nope at \[1:8\]"):
        job.result()
    assert (job.error_result["reason"], job.error_result["location"]) == ("invalidQuery", "query")
    assert job.state == "DONE"
    with pytest.raises(exceptions.BadRequest, match="Unrecognized name"):
        client.query_and_wait("SELECT nope FROM (SELECT 1 AS a)")
    client.create_dataset("has_no_such_table")
    with pytest.raises(exceptions.NotFound, match=rf"Not found: Table {PROJECT}:\w+\.absent"):
        client.query("SELECT * FROM has_no_such_table.absent").result()


def test_a_query_runs_where_its_data_is(client: bigquery.Client) -> None:
    abroad = bigquery.Dataset(f"{PROJECT}.query_abroad")
    abroad.location = "europe-west2"
    client.create_dataset(abroad)
    client.create_table(bigquery.Table(f"{PROJECT}.query_abroad.t", [SchemaField("i", "INT64")]))
    job = client.query("SELECT * FROM query_abroad.t")
    job.result()
    assert job.location == "europe-west2"
    wrong = client.query("SELECT * FROM query_abroad.t", location="US")
    with pytest.raises(
        exceptions.NotFound, match=f"Dataset {PROJECT}:query_abroad was not found in location US"
    ):
        wrong.result()
    with pytest.raises(exceptions.NotFound):
        client.get_job(job.job_id, location="US")


def test_a_default_dataset_completes_names(client: bigquery.Client, numbers: str) -> None:
    config = QueryJobConfig(default_dataset=numbers.rsplit(".", 1)[0])
    (row,) = client.query("SELECT count(*) AS n FROM t", job_config=config).result()
    assert row["n"] == 10


def test_jobs_are_listed_and_read_again(client: bigquery.Client) -> None:
    job = client.query("SELECT 41 AS a", job_id_prefix="listed-", job_config=QueryJobConfig())
    job.result()
    listed = list(client.list_jobs(max_results=5, state_filter="done"))
    assert job.job_id in [found.job_id for found in listed]
    again = client.get_job(job.job_id)
    assert (again.query, again.state, again.error_result) == ("SELECT 41 AS a", "DONE", None)
    assert again.ended >= again.started >= again.created
    assert list(client.list_jobs(min_creation_time=again.created + dt.timedelta(hours=1))) == []
    with pytest.raises(exceptions.NotFound, match="Not found: Job"):
        client.get_job("never-was")
    with pytest.raises(exceptions.Conflict, match="Already Exists: Job"):
        client._call_api(
            None, method="POST", path=f"/projects/{PROJECT}/jobs",
            data={
                "jobReference": {"projectId": PROJECT, "jobId": job.job_id},
                "configuration": {"query": {"query": "SELECT 1", "useLegacySql": False}},
            },
        )  # fmt: skip
    client.delete_job_metadata(job)
    with pytest.raises(exceptions.NotFound):
        client.get_job(job.job_id)


def test_the_same_request_id_is_one_job(client: bigquery.Client) -> None:
    body = {"query": "SELECT 1 AS a", "useLegacySql": False, "requestId": "once"}
    path = f"/projects/{PROJECT}/queries"
    first = client._call_api(None, method="POST", path=path, data=body)
    second = client._call_api(None, method="POST", path=path, data=body)
    assert first["jobReference"] == second["jobReference"]


def test_a_long_query_is_cancelled(client: bigquery.Client) -> None:
    sql = (
        "SELECT count(*) FROM UNNEST(GENERATE_ARRAY(1, 1000000)) a "
        "JOIN UNNEST(GENERATE_ARRAY(1, 1000000)) b ON mod(a * b, 7) = 1"
    )
    job = client.query(sql)
    assert job.state == "RUNNING"
    job.cancel()
    with pytest.raises(exceptions.GoogleAPICallError, match="cancel"):
        job.result()


def test_an_external_table_is_read_as_it_is_now(
    client: bigquery.Client, table_id: str, put
) -> None:
    uri = put("live.csv", "i,s\n1,x\n")
    config = bigquery.ExternalConfig("CSV")
    config.source_uris = [uri]
    config.options.skip_leading_rows = 1
    table = bigquery.Table(table_id, [SchemaField("i", "INTEGER"), SchemaField("s", "STRING")])
    table.external_data_configuration = config
    client.create_table(table)
    sql = f"SELECT i FROM `{table_id}` ORDER BY i"
    assert [row["i"] for row in client.query(sql).result()] == [1]
    put("live.csv", "i,s\n1,x\n2,y\n")
    assert [row["i"] for row in client.query(sql).result()] == [1, 2]
    put("live.csv", "i,s\n1,x\nq,y\n")
    job = client.query(sql)
    with pytest.raises(exceptions.BadRequest, match="too many errors"):
        job.result()
    assert any("starting at location 8" in str(error) for error in job.errors), job.errors


def test_an_external_table_exists_for_one_query(client: bigquery.Client, put) -> None:
    config = bigquery.ExternalConfig("CSV")
    config.source_uris = [put("temporary.csv", "1,x\n2,y\n")]
    config.schema = [SchemaField("i", "INTEGER"), SchemaField("s", "STRING")]
    job_config = QueryJobConfig(table_definitions={"here": config})
    rows = client.query("SELECT s FROM here WHERE i = 2", job_config=job_config).result()
    assert [row["s"] for row in rows] == ["y"]


def test_a_view_made_by_the_api_knows_its_columns(client: bigquery.Client, numbers: str) -> None:
    view = bigquery.Table(f"{numbers}_view")
    view.view_query = f"SELECT i, s AS word FROM `{numbers}` WHERE i < 3"
    made = client.create_table(view)
    assert (made.table_type, [f.name for f in made.schema]) == ("VIEW", ["i", "word"])
    (row,) = client.query(f"SELECT count(*) AS n FROM `{numbers}_view`").result()
    assert row["n"] == 3
    with pytest.raises(exceptions.BadRequest, match="Cannot list a table of type VIEW"):
        list(client.list_rows(made))


def test_a_script_has_a_child_job_for_each_statement(
    client: bigquery.Client, dataset: bigquery.Dataset
) -> None:
    name = f"{dataset.dataset_id}.scripted"
    job = client.query(
        f"""
        DECLARE n INT64 DEFAULT 2;
        CREATE TABLE {name} (i INT64);
        INSERT INTO {name} VALUES (1), (n);
        SELECT sum(i) AS total FROM {name};
        """
    )
    assert [row["total"] for row in job.result()] == [3]
    assert job.statement_type == "SCRIPT"
    children = list(client.list_jobs(parent_job=job))
    assert job.num_child_jobs == len(children)
    kinds = [child.statement_type for child in sorted(children, key=lambda c: c.created)]
    assert kinds[-3:] == ["CREATE_TABLE", "INSERT", "SELECT"]
    assert all(child.parent_job_id == job.job_id for child in children)


def test_statements_report_what_they_touched(client: bigquery.Client, numbers: str) -> None:
    copy = f"{numbers}_ctas"
    job = client.query(f"CREATE TABLE `{copy}` AS SELECT * FROM `{numbers}`")
    job.result()
    assert (job.statement_type, job.ddl_operation_performed) == ("CREATE_TABLE_AS_SELECT", "CREATE")
    assert job.destination.table_id == job.ddl_target_table.table_id == copy.rsplit(".", 1)[1]
    assert [t.table_id for t in job.referenced_tables] == ["t"]
    dml = client.query(f"UPDATE `{copy}` SET s = 'u' WHERE i < 4")
    assert dml.result().num_dml_affected_rows == 4
    assert (dml.statement_type, dml.dml_stats.updated_row_count) == ("UPDATE", 4)
    assert dml.total_bytes_processed > 0


def test_sixteen_clients_write_and_read_at_once(client: bigquery.Client, numbers: str) -> None:
    start = threading.Barrier(16)

    def work(index: int) -> int:
        start.wait()
        mine = f"{numbers}_c{index}"
        client.query(f"CREATE TABLE `{mine}` AS SELECT * FROM `{numbers}`").result()
        client.query(f"INSERT INTO `{numbers}` (i) VALUES ({100 + index})").result()
        return client.query_and_wait(f"SELECT count(*) FROM `{mine}`").total_rows

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(work, range(16))) == [1] * 16
    assert client.get_table(numbers).num_rows == 26


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"useLegacySql": True}, "useLegacySql"),
        ({"useLegacySql": False, "createSession": True}, "createSession"),
        ({"useLegacySql": False, "colour": 1}, "colour"),
        (
            {"useLegacySql": False, "connectionProperties": [{"key": "session_id", "value": "x"}]},
            "session_id",
        ),
    ],
)
def test_what_is_not_supported_is_refused_by_name(
    client: bigquery.Client, change: dict[str, object], named: str
) -> None:
    body = {"configuration": {"query": {"query": "SELECT 1", **change}}}
    with pytest.raises(exceptions.BadRequest, match=named):
        client._call_api(None, method="POST", path=f"/projects/{PROJECT}/jobs", data=body)


def test_a_function_made_by_the_api_is_called(
    client: bigquery.Client, dataset: bigquery.Dataset
) -> None:
    name = f"{PROJECT}.{dataset.dataset_id}.triple"
    kind = bigquery.StandardSqlDataType(type_kind=bigquery.StandardSqlTypeNames.INT64)
    wanted = bigquery.Routine(
        name, type_="SCALAR_FUNCTION", language="SQL", body="x * 3",
        arguments=[bigquery.RoutineArgument(name="x", data_type=kind)],
    )  # fmt: skip
    client.create_routine(wanted)
    (row,) = client.query(f"SELECT `{name}`(7) AS y").result()
    assert row["y"] == 21
    assert [r.routine_id for r in client.list_routines(dataset)] == ["triple"]
    assert client.get_routine(name).arguments[0].data_type.type_kind == "INT64"
    with pytest.raises(exceptions.Conflict):
        client.create_routine(wanted)
    client.delete_routine(name)
    with pytest.raises(exceptions.NotFound, match="Not found: Routine"):
        client.get_routine(name)


def test_rows_for_required_columns_are_checked_one_by_one(
    client: bigquery.Client, table_id: str
) -> None:
    client.create_table(bigquery.Table(table_id, [SchemaField("i", "INTEGER", "REQUIRED")]))
    append = QueryJobConfig(destination=table_id, write_disposition="WRITE_APPEND")
    client.query("SELECT 1 AS i", job_config=append).result()
    with pytest.raises(exceptions.BadRequest, match="Required field i cannot be null"):
        client.query("SELECT CAST(NULL AS INT64) AS i", job_config=append).result()
    assert client.get_table(table_id).num_rows == 1


@pytest.mark.parametrize("write", ["WRITE_EMPTY", "WRITE_APPEND", "WRITE_TRUNCATE"])
def test_a_query_gives_a_table_without_schema_its_columns(
    client: bigquery.Client, table_id: str, write: str
) -> None:
    wanted = bigquery.Table(table_id)
    wanted.description = "kept"
    client.create_table(wanted)
    config = QueryJobConfig(destination=table_id, write_disposition=write)
    rows = client.query("SELECT 1 AS a, ['x'] AS b", job_config=config).result()
    assert [row.values() for row in rows] == [(1, ["x"])]
    table = client.get_table(table_id)
    assert [f.name for f in table.schema] == ["a", "b"]
    assert table.description == "kept"


def test_files_of_an_external_table_count_as_bytes(
    client: bigquery.Client, table_id: str, put
) -> None:
    text = "".join(f"{i},n{i}\n" for i in range(50))
    uri = put("priced/a.csv", text)
    made = f"CREATE EXTERNAL TABLE `{table_id}` (i INT64, s STRING) OPTIONS (format='CSV', "
    client.query(f"{made}uris=['{uri}'])").result()
    select = f"SELECT i FROM `{table_id}`"
    dry = client.query(select, job_config=QueryJobConfig(dry_run=True))
    job = client.query(select)
    job.result()
    ctas = client.query(f"CREATE TABLE `{table_id}_copy` AS {select}")
    ctas.result()
    found = [each.total_bytes_processed for each in (dry, job, ctas)]
    assert found == [len(text)] * 3
    assert job.total_bytes_billed == 10 * 2**20
    with pytest.raises(exceptions.GoogleAPICallError, match="limit for bytes billed: 1000000"):
        client.query(select, job_config=QueryJobConfig(maximum_bytes_billed=10**6)).result()


def test_texts_count_in_a_ctas_too(client: bigquery.Client, numbers: str) -> None:
    select = f"SELECT s FROM `{numbers}`"
    dry = client.query(select, job_config=QueryJobConfig(dry_run=True))
    ctas = client.query(f"CREATE TABLE `{numbers}_texts` AS {select}")
    ctas.result()
    assert ctas.total_bytes_processed == dry.total_bytes_processed == 40


def test_a_byte_limit_is_compared_with_what_is_billed(
    client: bigquery.Client, numbers: str
) -> None:
    least = 10 * 2**20
    config = QueryJobConfig(maximum_bytes_billed=least - 1)
    words = f"billed: {least - 1}. {least} or higher required"
    with pytest.raises(exceptions.GoogleAPICallError, match=words):
        client.query(f"SELECT i FROM `{numbers}`", job_config=config).result()
    enough = QueryJobConfig(maximum_bytes_billed=least)
    assert client.query(f"SELECT i FROM `{numbers}`", job_config=enough).result().total_rows == 10
    free = QueryJobConfig(maximum_bytes_billed=1)
    assert client.query("SELECT 1", job_config=free).result().total_rows == 1


def test_temporary_tables_live_in_a_hidden_dataset_of_their_script(
    client: bigquery.Client,
) -> None:
    def hidden() -> str:
        job = client.query("CREATE TEMP TABLE tt AS SELECT 1 AS a; SELECT * FROM tt")
        job.result()
        children = client.list_jobs(parent_job=job)
        (made,) = [c for c in children if c.statement_type == "CREATE_TABLE_AS_SELECT"]
        assert made.destination.table_id == "tt"
        return made.destination.dataset_id

    first, second = hidden(), hidden()
    assert first.startswith("_script")
    assert len(first) > len("_script")
    assert first != second


def test_a_result_with_a_null_array_element_is_refused(client: bigquery.Client) -> None:
    words = "Array cannot have a null element; error in writing field x"
    with pytest.raises(exceptions.BadRequest, match=words):
        client.query("SELECT ARRAY_AGG(a) AS x FROM UNNEST([1, NULL]) AS a").result()
