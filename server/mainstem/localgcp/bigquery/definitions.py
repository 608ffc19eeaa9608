"""What a table's definition leaves open: the columns of a view, the schema inside files."""

from dataclasses import replace

from mainstem.localgcp.bigquery.host import JobHost
from mainstem.localgcp.bigquery.model import Table, TableRef
from mainstem.localgcp.bigquery.sql.run import describe, run
from mainstem.localgcp.bigquery.warehouse import Warehouse


def with_schema(warehouse: Warehouse, table: Table) -> Table:
    """The table with the schema that its query or its files suggest, if none was given."""
    with warehouse.database.reading() as cursor:
        host = JobHost(warehouse, cursor, table.ref.project, location=table.location)
        if table.view_sql is None:
            return host.with_detected_schema(table)
        found = describe(table.view_sql, host)
    texts = {field.name.casefold(): field.description for field in table.schema}
    schema = tuple(replace(field, description=texts.get(field.name.casefold())) for field in found)
    return replace(table, schema=schema)


def create_function(warehouse: Warehouse, ref: TableRef, statement: str) -> None:
    """Run a CREATE FUNCTION, in the location of its dataset."""
    dataset = warehouse.database.catalog(ref.project).dataset(ref.dataset_ref)
    with warehouse.database.reading() as cursor:
        host = JobHost(warehouse, cursor, ref.project, location=dataset.location)
        done = run(statement, host)
    if done.error is not None:
        raise done.error
